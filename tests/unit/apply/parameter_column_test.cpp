#include "apply/parameter_column.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "catalog/plan_builder.hpp"

namespace walgate::apply {
namespace {

using test::int4;
using test::text;

TablePlan plan() {
  const auto rule = test::rule();
  const std::vector<std::pair<std::string, std::uint32_t>> columns{{"id", int4}, {"name", text}, {"note", text}};
  const auto target = test::table(columns);
  return plan_table(test::relation(columns), {QualifiedName{"store", "part"}, &rule}, &target, test::types()).first;
}

/// The columns that errors about the statement's parameters name, in their order.
std::string columns_of(const TablePlan& plan, const Statement& statement) {
  std::string names;
  for (std::size_t number = 1; number <= statement.parameters.size() + 1; ++number) {
    const auto name =
        column_of_parameter(plan, statement, fmt::format("unnamed portal parameter ${} = '...'", number));
    names += (name.empty() ? "(none)" : name) + " ";
  }
  return names;
}

TEST(ColumnOfParameter, FollowsTheParametersOfEachStatement) {
  const auto made = plan();
  EXPECT_EQ(columns_of(made, made.insert()), "id name note (none) ");
  EXPECT_EQ(columns_of(made, made.delete_row()), "id (none) ");
  EXPECT_EQ(columns_of(made, made.insert_set().value()), "id name note (none) ");
  const auto update = made.update({false, true, false}, false);
  ASSERT_FALSE(update.parameters.empty());
  EXPECT_EQ(columns_of(made, update).find("name"), std::string::npos) << "it did not change and is not sent";
}

TEST(ColumnOfParameter, IsEmptyWhereTheContextNamesNone) {
  const auto made = plan();
  EXPECT_EQ(column_of_parameter(made, made.insert(), "SQL statement \"SELECT 1\""), "");
}

}  // namespace
}  // namespace walgate::apply
