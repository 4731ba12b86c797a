#include "copy/row_query.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catalog/identifier.hpp"
#include "copy/published_rows.hpp"

namespace walgate::copy {

std::string row_query(const std::string& columns, const std::string& from, std::vector<std::string> conditions,
                      const std::string& filter) {
  if (!filter.empty()) conditions.push_back("(" + filter + ")");
  return fmt::format("COPY (SELECT {} FROM {}{}{}) TO STDOUT (FORMAT binary)", columns, from,
                     conditions.empty() ? "" : " WHERE ", fmt::join(conditions, " AND "));
}

std::string row_query(const wire::Relation& relation, const std::set<std::uint32_t>& xml_arrays,
                      const std::string& filter) {
  std::vector<std::string> columns;
  for (const auto& column : relation.columns) columns.push_back(column_expression(column, xml_arrays));
  return row_query(fmt::format("{}", fmt::join(columns, ", ")), all_of(relation), {}, filter);
}

std::string all_of(const wire::Relation& relation) {
  return (relation.relkind == 'p' ? "" : "ONLY ") + QualifiedName{relation.schema, relation.name}.quoted();
}

}  // namespace walgate::copy
