#include "apply/parameter_column.hpp"

#include "postgres/server_error.hpp"

namespace walgate::apply {

std::string column_of_parameter(const TablePlan& plan, const Statement& statement, std::string_view context) {
  const auto number = postgres::parameter_of_context(context);
  if (!number || *number > statement.parameters.size()) return {};
  return plan.columns[statement.parameters[*number - 1].column].target;
}

}  // namespace walgate::apply
