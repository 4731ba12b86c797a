// topic_names_test.cpp - which topic a table gets, and which it may not have.

#include "mirror/topic_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace walgate::mirror {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TopicPattern pattern(std::string_view text) {
  std::string error;
  auto parsed = TopicPattern::parse(text, error);
  EXPECT_TRUE(parsed) << error;
  return parsed.value_or(TopicPattern{});
}

TopicNames names(std::string_view text, const std::vector<TopicRequest>& tables,
                 const std::vector<std::string>& reserved = {}) {
  return topic_names(pattern(text), "shop", tables, reserved);
}

TEST(TopicNames, FollowThePatternUnlessATableHasItsOwn) {
  const auto given = names("{pipeline}.{schema}.{table}", {{{"public", "orders"}}, {{"public", "items"}, "stock"}});
  EXPECT_THAT(given.names, ElementsAre("shop.public.orders", "stock"));
  EXPECT_THAT(given.mistakes, IsEmpty());
}

TEST(TopicNames, AreNotMadeUpForIllegalCharacters) {
  EXPECT_THAT(names("{pipeline}.{table}", {{{"public", "my orders"}}}).mistakes,
              ElementsAre("table public.\"my orders\" cannot have the topic \"shop.my orders\": it has \" \", and "
                          "Kafka allows only letters, "
                          "digits, \".\", \"_\" and \"-\"; give the table a topic of another name"));
  EXPECT_THAT(names("{pipeline}.{table}", {{{"public", "my orders"}, "my-orders"}}).mistakes, IsEmpty());
}

TEST(TopicNames, DoNotCollide) {
  EXPECT_THAT(names("{table}", {{{"a", "t"}}, {{"b", "t"}}}).mistakes,
              ElementsAre(HasSubstr("table b.t cannot have the topic \"t\": table a.t has it")));
  EXPECT_THAT(names("{schema}.{table}", {{{"a", "b.c"}}, {{"a.b", "c"}}}).mistakes, ElementsAre(HasSubstr("has it")));
  EXPECT_THAT(names("{schema}.{table}", {{{"a", "b_c"}}, {{"a", "b.c"}}}).mistakes,
              ElementsAre(HasSubstr("cannot tell the two apart")));
  EXPECT_THAT(names("{schema}.{table}", {{{"a", "t"}}, {{"a_t", "x"}, "a_t"}}).mistakes,
              ElementsAre(HasSubstr("cannot tell the two apart")));
}

TEST(TopicNames, LeaveTheMirrorsOwnTopicsAlone) {
  EXPECT_THAT(names("{pipeline}.{table}", {{{"public", "progress"}}}, {"shop.progress"}).mistakes,
              ElementsAre(HasSubstr("the mirror uses it itself")));
  EXPECT_THAT(names("{pipeline}_{table}", {{{"public", "progress"}}}, {"shop.progress"}).mistakes,
              ElementsAre(HasSubstr("the mirror uses \"shop.progress\" itself")));
}

TEST(TopicNames, AreSharedWhereThatIsAskedFor) {
  EXPECT_THAT(names("{pipeline}", {{{"a", "t"}}, {{"b", "u"}}}).mistakes, IsEmpty());
  EXPECT_THAT(names("{pipeline}.{schema}", {{{"a", "t"}}, {{"a", "u"}}}).mistakes, IsEmpty());
  EXPECT_THAT(names("{table}", {{{"a", "t"}, "both"}, {{"a", "u"}, "both"}}).mistakes, IsEmpty());
  EXPECT_THAT(names("{table}", {{{"a", "t"}}, {{"a", "u"}, "t"}}).mistakes, ElementsAre(HasSubstr("table a.t has it")));
}

}  // namespace
}  // namespace walgate::mirror
