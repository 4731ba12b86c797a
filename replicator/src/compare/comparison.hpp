// comparison.hpp - both sides of one table beside each other: what lets the stream pass and may still surprise.
//
// What does not fit at all is the business of catalog/table_plan.hpp.  Here is what is narrower, stricter, slower or
// otherwise filled on the target than on the source.  Pure: two descriptions in, observations out.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catalog/table_mapping.hpp"
#include "compare/table_description.hpp"
#include "errors/finding.hpp"
#include "wire/relation.hpp"

namespace walgate::compare {

/// One table of the source and where it goes.
struct TablePair {
  const wire::Relation& relation;  ///< what the stream brings of it
  const TableMapping& mapping;
  const TableDescription& source;
  const TableDescription& target;

  [[nodiscard]] bool is_published(const std::string& source_column) const;
  /// The column that the stream fills it from; null where it does not fill it.
  [[nodiscard]] const ColumnDescription* source_of(const std::string& target_column) const;
  /// A text of the source's, with its columns as the target names them; nullopt when one is not there.
  [[nodiscard]] std::optional<std::string> as_on_target(const std::string& expression) const;
  /// For people: "store.part.id", quoted where SQL needs it.
  [[nodiscard]] std::string target_name(const std::string& column) const;
};

/// What lies around the pair.
struct Surroundings {
  /// Foreign keys act on our changes: no replica role.
  bool constraints_act = false;
  /// The target table of a source table that the pipeline fills; nullopt for others.
  std::function<std::optional<QualifiedName>(const QualifiedName&)> target_of;
  /// Is it the target of one?
  std::function<bool(const QualifiedName&)> is_target;
};

/// What becomes of the statements of an observation in a draft.
enum class Proposal {
  none,      ///< there is nothing to run
  run,       ///< they bring the target in line, and lose nothing
  question,  ///< they would, and only a person can know whether that is wanted
};

struct Observation {
  Finding finding;
  Proposal proposal = Proposal::none;
  std::vector<std::string> statements = {};  ///< without semicolons
};
using Observations = std::vector<Observation>;

/// All that there is to say about a pair.
[[nodiscard]] Observations compare(const TablePair& pair, const Surroundings& around);

/// Labels alone: a value that the target refuses may be one of those that its enums lack.
[[nodiscard]] Observations missing_labels(const TablePair& pair);

// Its parts, one per file.
void compare_columns(const TablePair& pair, Observations& found);
void compare_unique_keys(const TablePair& pair, const Surroundings& around, Observations& found);
void compare_constraints(const TablePair& pair, const Surroundings& around, Observations& found);
void find_missing_indexes(const TablePair& pair, const Surroundings& around, Observations& found);

/// With the statements as remedy, and `more` after them.
[[nodiscard]] Observation observe(Severity severity, ErrorName name, std::string object, std::string text,
                                  Proposal proposal = Proposal::none, std::vector<std::string> statements = {},
                                  std::string more = {});

/// "id, \"Name\"" of columns, as SQL takes them.
[[nodiscard]] std::string sql_list(const std::vector<std::string>& columns);

}  // namespace walgate::compare
