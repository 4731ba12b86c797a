// table_mapping.hpp - which target table a source table goes to, by the configuration's rules.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/table_rule.hpp"

namespace walgate {

/// What the rules say about one source table.
struct TableMapping {
  std::optional<QualifiedName> target;  ///< nullopt: left out
  const TableRule* rule = nullptr;      ///< null: no rule matched, same schema and name

  /// The target's name for a source column; nullopt: left out.
  [[nodiscard]] std::optional<std::string> target_column(const std::string& source) const;
  /// The explicit cast of a target column.
  [[nodiscard]] std::optional<std::string> cast(const std::string& target_column) const;
  [[nodiscard]] OnMissing on_missing() const noexcept;
  [[nodiscard]] OnDuplicate on_duplicate() const noexcept;
  [[nodiscard]] OnColumn on_extra_column() const noexcept;
  [[nodiscard]] OnColumn on_dropped_column() const noexcept;
};

/// The first rule whose source matches decides; without one the table of the same name.
[[nodiscard]] TableMapping map_table(const std::vector<TableRule>& rules, const QualifiedName& source);

}  // namespace walgate
