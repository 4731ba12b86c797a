#include "compare/comparison.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "compare/expression.hpp"

namespace walgate::compare {

bool TablePair::is_published(const std::string& source_column) const {
  return std::ranges::find(relation.columns, source_column, &wire::Column::name) != relation.columns.end();
}

const ColumnDescription* TablePair::source_of(const std::string& target_column) const {
  for (const auto& column : relation.columns) {
    if (mapping.target_column(column.name) == target_column) return source.column(column.name);
  }
  return nullptr;
}

std::optional<std::string> TablePair::as_on_target(const std::string& expression) const {
  return renamed(
      expression, [&](const std::string& name) { return source.column(name) != nullptr; },
      [&](const std::string& name) { return mapping.target_column(name); });
}

std::string TablePair::target_name(const std::string& column) const {
  return target.name.display() + "." + display_identifier(column);
}

std::string sql_list(const std::vector<std::string>& columns) {
  std::string text;
  for (const auto& column : columns) text += (text.empty() ? "" : ", ") + display_identifier(column);
  return text;
}

Observation observe(Severity severity, ErrorName name, std::string object, std::string text, Proposal proposal,
                    std::vector<std::string> statements, std::string more) {
  std::string remedy = fmt::format("{}", fmt::join(statements, "; "));
  if (!more.empty()) remedy += (remedy.empty() ? "" : "; ") + more;
  if (remedy.empty()) remedy = entry_of(name).remedy;
  return {{severity, name, std::move(object), std::move(text), std::move(remedy)}, proposal, std::move(statements)};
}

Observations compare(const TablePair& pair, const Surroundings& around) {
  Observations found;
  compare_columns(pair, found);
  compare_unique_keys(pair, around, found);
  compare_constraints(pair, around, found);
  find_missing_indexes(pair, around, found);
  const auto path = pair.mapping.rule == nullptr ? std::string{} : pair.mapping.rule->path;
  for (auto& observation : found) observation.finding.path = path;
  return found;
}

}  // namespace walgate::compare
