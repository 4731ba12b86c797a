// parameter_column.hpp - which column an error about a parameter is about.
#pragma once

#include <string>
#include <string_view>

#include "catalog/table_plan.hpp"

namespace walgate::apply {

/// The target column, not quoted, whose value the server could not read, as the context of its error on `statement` of
/// `plan` says: the column of the parameter that it names.  In a statement over many rows that is the column's array.
/// Empty where the context names no parameter.
[[nodiscard]] std::string column_of_parameter(const TablePlan& plan, const Statement& statement,
                                              std::string_view context);

}  // namespace walgate::apply
