#include "batch/announcement.hpp"

#include <gtest/gtest.h>

namespace walgate {
namespace {

std::optional<std::string> announced(std::string content, std::string prefix = "walgate.migration",
                                     bool transactional = true) {
  return announced_to(
      "orders",
      {.transactional = transactional, .lsn = Lsn{1}, .prefix = std::move(prefix), .content = std::move(content)});
}

TEST(Announcement, NamesItsMigration) {
  EXPECT_EQ(announced(R"({"pipeline": "orders", "migration": "0007_priority"})"), "0007_priority");
  EXPECT_EQ(announced(R"({"migration": "x", "pipeline": "orders", "more": [1]})"), "x");
}

TEST(Announcement, IsLeftToOtherPipelines) {
  EXPECT_EQ(announced(R"({"pipeline": "order", "migration": "0007_priority"})"), std::nullopt);
}

TEST(Announcement, IsNothingThatIsOdd) {
  for (const auto* content : {"", "0007_priority", "[]", "null", "{", R"({"pipeline": "orders"})",
                              R"({"pipeline": "orders", "migration": ""})", R"({"pipeline": "orders", "migration": 7})",
                              "{\"pipeline\": \"orders\", \"migration\": \"\xff\"}"}) {
    EXPECT_EQ(announced(content), std::nullopt) << content;
  }
}

TEST(Announcement, HasItsOwnPrefixAndATransaction) {
  const std::string content = R"({"pipeline": "orders", "migration": "0007_priority"})";
  EXPECT_EQ(announced(content, "walgate"), std::nullopt);
  EXPECT_EQ(announced(content, "walgate.migration", false), std::nullopt);
}

}  // namespace
}  // namespace walgate
