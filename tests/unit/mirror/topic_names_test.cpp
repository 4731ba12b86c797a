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

std::string refusal(std::string_view text) {
  std::string error;
  return TopicPattern::parse(text, error) ? "accepted" : error;
}

TopicNames names(std::string_view text, const std::vector<TopicRequest>& tables,
                 const std::vector<std::string>& reserved = {}) {
  return topic_names(pattern(text), "shop", tables, reserved);
}

TEST(TopicPattern, FillsItsWords) {
  EXPECT_EQ(pattern("{pipeline}.{schema}.{table}").name_for("shop", {"public", "orders"}), "shop.public.orders");
  EXPECT_EQ(pattern("cdc-{table}_{schema}").name_for("shop", {"public", "orders"}), "cdc-orders_public");
  EXPECT_EQ(pattern("all").name_for("shop", {"public", "orders"}), "all");
}

TEST(TopicPattern, RefusesWhatItCannotFill) {
  EXPECT_EQ(refusal("{pipeline}.{tabel}"), "\"{tabel}\" is not known; there are {pipeline}, {schema} and {table}");
  EXPECT_EQ(refusal("{table"), "a brace is not closed");
  EXPECT_EQ(refusal(""), "it is empty");
  EXPECT_EQ(refusal("a b"), "\" \" cannot be in a topic's name");
  EXPECT_EQ(refusal("a}"), "\"}\" cannot be in a topic's name");
}

TEST(TopicName, IsRefusedAsKafkaRefusesIt) {
  EXPECT_FALSE(topic_name_problem("A.b-c_9"));
  EXPECT_FALSE(topic_name_problem(std::string(249, 'a')));
  EXPECT_EQ(topic_name_problem(std::string(250, 'a')), "it has 250 characters, and Kafka allows 249");
  EXPECT_TRUE(topic_name_problem(""));
  EXPECT_TRUE(topic_name_problem("."));
  EXPECT_TRUE(topic_name_problem(".."));
  EXPECT_EQ(topic_name_problem("größe"), "it has \"ö\", and Kafka allows only letters, digits, \".\", \"_\" and \"-\"");
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
