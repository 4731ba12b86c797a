#include "catalog/table_mapping.hpp"

#include <gtest/gtest.h>

namespace walgate {
namespace {

TableRule rule(const std::string& source, const std::optional<std::string>& target) {
  TableRule made;
  std::string error;
  made.source = *NamePattern::parse(source, error);
  if (target) made.target = NamePattern::parse(*target, error);
  return made;
}

std::string target_of(const std::vector<TableRule>& rules, const std::string& schema, const std::string& name) {
  const auto mapping = map_table(rules, {schema, name});
  return mapping.target ? mapping.target->display() : "left out";
}

TEST(TableMapping, WithoutARuleGoesToTheSameName) {
  EXPECT_EQ(target_of({}, "a", "b"), "a.b");
}

TEST(TableMapping, FillsThePatternOfTheTarget) {
  const std::vector rules{rule("requisition.*", "batch.batch_*")};
  EXPECT_EQ(target_of(rules, "requisition", "orderables"), "batch.batch_orderables");
  EXPECT_EQ(target_of(rules, "other", "orderables"), "other.orderables");
}

TEST(TableMapping, TheFirstRuleThatMatchesDecides) {
  const std::vector rules{rule("a.special", "b.elsewhere"), rule("a.secret", std::nullopt), rule("a.*", "b.*")};
  EXPECT_EQ(target_of(rules, "a", "special"), "b.elsewhere");
  EXPECT_EQ(target_of(rules, "a", "secret"), "left out");
  EXPECT_EQ(target_of(rules, "a", "plain"), "b.plain");
}

TEST(TableMapping, RenamesAndLeavesOutColumns) {
  std::vector rules{rule("a.t", "b.t")};
  rules[0].columns = {{"body", "message"}, {"draft", std::nullopt}};
  const auto mapping = map_table(rules, {"a", "t"});
  EXPECT_EQ(mapping.target_column("body"), "message");
  EXPECT_EQ(mapping.target_column("draft"), std::nullopt);
  EXPECT_EQ(mapping.target_column("id"), "id");
}

}  // namespace
}  // namespace walgate
