// kafka_config_test.cpp - properties of librdkafka: passed through, refused, and never quoted where they are secret.

#include "mirror/kafka_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "errors/error.hpp"

namespace walgate::mirror {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> sentences(const KafkaProperties& properties) {
  std::vector<std::string> all;
  for (const auto& mistake : property_mistakes(properties)) all.push_back(mistake.sentence());
  return all;
}

TEST(KafkaConfig, PassesOnWhatLibrdkafkaKnows) {
  const KafkaProperties properties{
      {"bootstrap.servers", "127.0.0.1:9092"}, {"compression.type", "lz4"}, {"linger.ms", "20"}};
  EXPECT_THAT(property_mistakes(properties), IsEmpty());
  const auto conf = kafka_conf(properties, {{"transactional.id", "orders"}});
  char value[64];
  std::size_t size = sizeof value;
  ASSERT_EQ(rd_kafka_conf_get(conf.get(), "transactional.id", value, &size), RD_KAFKA_CONF_OK);
  EXPECT_STREQ(value, "orders");
  size = sizeof value;
  ASSERT_EQ(rd_kafka_conf_get(conf.get(), "linger.ms", value, &size), RD_KAFKA_CONF_OK);
  EXPECT_STREQ(value, "20");
}

TEST(KafkaConfig, TellsEveryMistakeAtOnce) {
  EXPECT_THAT(sentences({{"linger.ms", "soon"}, {"no.such.property", "1"}, {"transactional.id", "mine"}}),
              ElementsAre(StartsWith(R"(kafka.properties["linger.ms"]: its value is not accepted)"),
                          StartsWith(R"(kafka.properties["no.such.property"]: librdkafka)"),
                          StartsWith(R"(kafka.properties["transactional.id"]: the mirror sets it itself)")));
  try {
    static_cast<void>(kafka_conf({{"no.such.property", "1"}}, {}));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.failure().name, ErrorName::configuration_invalid);
    EXPECT_THAT(error.what(), HasSubstr(R"(kafka.properties["no.such.property"]: librdkafka)"));
  }
}

TEST(KafkaConfig, LeavesNothingThatPromisesStandOnToTheUser) {
  for (const auto* name :
       {"enable.idempotence", "acks", "transactional.id", "isolation.level", "partitioner", "enable.auto.commit"}) {
    EXPECT_THAT(sentences({{name, "false"}}), ElementsAre(HasSubstr("the mirror sets it itself"))) << name;
  }
}

TEST(KafkaConfig, NeverQuotesASecret) {
  for (const auto* name :
       {"sasl.password", "ssl.key.password", "ssl.keystore.password", "ssl.key.pem", "sasl.oauthbearer.config",
        "sasl.oauthbearer.client.secret", "sasl.oauthbearer.assertion.private.key.passphrase",
        "sasl.oauthbearer.assertion.private.key.pem"}) {
    EXPECT_TRUE(is_secret_property(name)) << name;
    EXPECT_EQ(without_secrets({{name, "hunter2"}}).at(name), "***");
    for (const auto& mistake : sentences({{name, "hunter2"}})) EXPECT_THAT(mistake, Not(HasSubstr("hunter2")));
  }
  EXPECT_FALSE(is_secret_property("sasl.username"));
  EXPECT_EQ(without_secrets({{"linger.ms", "5"}}).at("linger.ms"), "5");
}

}  // namespace
}  // namespace walgate::mirror
