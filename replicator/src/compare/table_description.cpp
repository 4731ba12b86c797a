#include "compare/table_description.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace walgate::compare {

std::string IndexDescription::column_list() const {
  std::vector<std::string> items;
  for (const auto& column : columns) {
    items.push_back(column.name.empty() ? column.expression : display_identifier(column.name));
  }
  return fmt::format("({})", fmt::join(items, ", "));
}

}  // namespace walgate::compare
