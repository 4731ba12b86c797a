// topic_pattern_test.cpp - patterns of topics, and names that Kafka takes.

#include "config/topic_pattern.hpp"

#include <gtest/gtest.h>

namespace walgate {
namespace {

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

}  // namespace
}  // namespace walgate
