// draft.hpp - proposes the migration file that would bring the target in line with the source.
//
// What loses nothing and leaves no choice is a statement.  Where only a person can know what is meant (a rename or a
// new column, how values become those of another type, whether something may go), the choices stand in comments.  Pure:
// catalogs in, the text of a file out.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "catalog/table_mapping.hpp"
#include "catalog/table_plan.hpp"
#include "catalog/table_shape.hpp"
#include "compare/comparison.hpp"
#include "migrate/draft_catalog.hpp"
#include "wire/relation.hpp"

namespace walgate::migrate {

/// A table of the source that goes to the target, and what `check` has to say about it.
struct DraftTable {
  const wire::Relation& relation;
  const TableMapping& mapping;
  const compare::TableDescription& source;
  const compare::TableDescription* target = nullptr;  ///< null: there is none
  std::vector<Difference> differences = {};
  compare::Observations observations = {};
  /// The columns that it had when its changes were last applied, of the same table of the target; null: not known.
  const TableShape* seen = nullptr;
  /// What has happened to them since and has not been done to the target's.
  std::vector<Difference> changes = {};
  /// A table of the target that holds the rows of this one under its former name.
  std::optional<QualifiedName> former = {};
};

struct DraftInput {
  std::string pipeline;
  std::vector<DraftTable> tables;
  const DraftCatalog& catalog;
  const TargetTypes& types;
  /// The service's role, where another one runs migrations and it needs rights on what they make; else empty.
  std::string grantee = {};
};

struct Draft {
  std::string sql;             ///< empty: the target lacks nothing
  std::size_t statements = 0;  ///< that run
  std::size_t questions = 0;   ///< errors that only a person can mend; their choices are comments
};

[[nodiscard]] Draft make_draft(const DraftInput& input);

}  // namespace walgate::migrate
