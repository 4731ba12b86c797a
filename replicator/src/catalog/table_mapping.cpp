#include "catalog/table_mapping.hpp"

namespace walgate {

std::optional<std::string> TableMapping::target_column(const std::string& source) const {
  if (rule == nullptr) return source;
  const auto found = rule->columns.find(source);
  return found == rule->columns.end() ? std::optional{source} : found->second;
}

std::optional<std::string> TableMapping::cast(const std::string& target_column) const {
  if (rule == nullptr) return std::nullopt;
  const auto found = rule->cast.find(target_column);
  return found == rule->cast.end() ? std::nullopt : std::optional{found->second};
}

OnMissing TableMapping::on_missing() const noexcept {
  return rule == nullptr ? OnMissing::stop : rule->on_missing;
}

OnDuplicate TableMapping::on_duplicate() const noexcept {
  return rule == nullptr ? OnDuplicate::stop : rule->on_duplicate;
}

OnColumn TableMapping::on_extra_column() const noexcept {
  return rule == nullptr ? OnColumn::gate : rule->on_extra_column;
}

OnColumn TableMapping::on_dropped_column() const noexcept {
  return rule == nullptr ? OnColumn::gate : rule->on_dropped_column;
}

TableMapping map_table(const std::vector<TableRule>& rules, const QualifiedName& source) {
  for (const auto& rule : rules) {
    if (const auto match = rule.source.match(source)) {
      return {rule.target ? std::optional{rule.target->fill(*match)} : std::nullopt, &rule};
    }
  }
  return {source, nullptr};
}

}  // namespace walgate
