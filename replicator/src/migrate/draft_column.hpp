// draft_column.hpp - how a column of the source would look on the target.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/table_mapping.hpp"
#include "catalog/table_plan.hpp"
#include "compare/table_description.hpp"
#include "migrate/draft_catalog.hpp"

namespace walgate::migrate {

/// A type as the target knows it.
struct TargetTypeText {
  std::string text;   ///< for SQL
  std::string lacks;  ///< what has to be there first, and the draft cannot make; else empty
};

class DraftColumns {
 public:
  DraftColumns(const DraftCatalog& catalog, const TargetTypes& types) : catalog_{catalog}, types_{types} {}

  /// For a column that the mapping names `target`: the type that the rule casts to, else the source's as the target
  /// knows it.  Enums that it lacks are taken for made.
  [[nodiscard]] TargetTypeText type_of(const compare::ColumnDescription& column, const TableMapping& mapping,
                                       const std::string& target) const;

  /// A default that is a constant, as a literal for that type; nullopt for others.
  [[nodiscard]] std::optional<std::string> default_of(const compare::ColumnDescription& column) const;

  /// How a column is added to a table that may hold rows.
  struct Added {
    std::vector<std::string> statements;
    std::vector<std::string> later;  ///< for a person to decide on
    std::vector<std::string> notes;
    std::string lacks;  ///< as in TargetTypeText
  };
  [[nodiscard]] Added add(const compare::ColumnDescription& column, const TableMapping& mapping,
                          const std::string& target, const QualifiedName& source) const;

 private:
  /// Of an enum of the target: is the label still to be added?  It can be used only after the commit.
  [[nodiscard]] bool is_label_to_come(const compare::ColumnType& type, const std::string& value) const;

  const DraftCatalog& catalog_;
  const TargetTypes& types_;
};

}  // namespace walgate::migrate
