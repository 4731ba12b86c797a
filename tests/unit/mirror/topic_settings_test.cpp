// topic_settings_test.cpp - what `mirror check` says about topics.

#include "mirror/topic_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace walgate::mirror {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

WantedTopic wanted(TopicPurpose purpose = TopicPurpose::table, std::map<std::string, std::string> settings = {},
                   std::int32_t brokers = 3) {
  return with_defaults("t", purpose, 4, std::nullopt, std::move(settings), brokers);
}

ExistingTopic existing(const std::string& policy = "compact", std::int32_t partitions = 4, std::int32_t replicas = 3) {
  return {"t",
          partitions,
          replicas,
          {{"cleanup.policy", policy}, {"min.insync.replicas", "2"}, {"retention.ms", "604800000"}}};
}

// The names of the findings with their severities: "error partition_count_differs".
std::vector<std::string> findings(const WantedTopic& one, const std::optional<ExistingTopic>& other,
                                  std::int32_t brokers = 3) {
  std::vector<std::string> names;
  for (const auto& finding : compare_topics({&one, 1}, {&other, 1}, brokers)) {
    EXPECT_EQ(finding.object, "topic \"t\"");
    EXPECT_FALSE(finding.finding.empty());
    const auto* const severity = finding.severity == Severity::error     ? "error "
                                 : finding.severity == Severity::warning ? "warning "
                                                                         : "info ";
    names.push_back(severity + std::string{text_of(finding.name)});
  }
  return names;
}

TEST(TopicSettings, AreFilledInForTheClusterThatThereIs) {
  const auto three = with_defaults("t", TopicPurpose::table, std::nullopt, std::nullopt, {}, 5);
  EXPECT_EQ(three.partitions, 1);
  EXPECT_EQ(three.replication_factor, 3);
  EXPECT_EQ(three.settings,
            (std::map<std::string, std::string>{{"cleanup.policy", "compact"}, {"min.insync.replicas", "2"}}));
  const auto one = with_defaults("t", TopicPurpose::keyless, 6, std::nullopt, {{"retention.ms", "1"}}, 1);
  EXPECT_EQ(one.partitions, 6);
  EXPECT_EQ(one.replication_factor, 1);
  EXPECT_EQ(one.settings, (std::map<std::string, std::string>{
                              {"cleanup.policy", "delete"}, {"min.insync.replicas", "1"}, {"retention.ms", "1"}}));
  EXPECT_EQ(with_defaults("t", TopicPurpose::progress, {}, {}, {}, 3).settings.at("cleanup.policy"), "compact");
  EXPECT_EQ(with_defaults("t", TopicPurpose::transactions, {}, {}, {}, 3).settings.at("cleanup.policy"), "delete");
  EXPECT_EQ(with_defaults("t", TopicPurpose::table, {}, std::int16_t{2}, {{"min.insync.replicas", "2"}}, 3)
                .settings.at("min.insync.replicas"),
            "2");
}

TEST(TopicSettings, OfAFittingTopicSayNothing) {
  EXPECT_THAT(findings(wanted(), existing()), IsEmpty());
  EXPECT_THAT(findings(wanted(TopicPurpose::keyless), existing("delete")), IsEmpty());
}

TEST(TopicSettings, OfAMissingTopicAreForInformation) {
  EXPECT_THAT(findings(wanted(), std::nullopt), ElementsAre("info topic_missing"));
}

TEST(TopicSettings, CannotAskForMoreReplicasThanBrokers) {
  auto three = wanted();
  EXPECT_THAT(findings(three, std::nullopt, 2),
              ElementsAre("error replication_factor_above_brokers", "info topic_missing"));
}

TEST(TopicSettings, MustLeaveOneBrokerFreeToFail) {
  EXPECT_THAT(findings(wanted(TopicPurpose::table, {{"min.insync.replicas", "3"}}), std::nullopt),
              ElementsAre("warning no_broker_may_fail", "info topic_missing"));
  EXPECT_THAT(findings(wanted(TopicPurpose::table, {{"min.insync.replicas", "4"}}), std::nullopt),
              ElementsAre("error min_insync_above_replication_factor", "info topic_missing"));
}

TEST(TopicSettings, OfALiveTopicDoNotChangeItsPartitions) {
  EXPECT_THAT(findings(wanted(), existing("compact", 3)), ElementsAre("error partition_count_differs"));
  EXPECT_THAT(findings(wanted(), existing("compact", 5)), ElementsAre("error partition_count_differs"));
}

TEST(TopicSettings, WarnOfFewerReplicasAndTellOfMore) {
  EXPECT_THAT(findings(wanted(), existing("compact", 4, 2)), ElementsAre("warning replication_factor_differs"));
  EXPECT_THAT(findings(wanted(), existing("compact", 4, 4)), ElementsAre("info replication_factor_differs"));
  EXPECT_THAT(findings(wanted(), existing("compact", 4, 1)),
              ElementsAre("warning replication_factor_differs", "error min_insync_above_replicas"));
}

TEST(TopicSettings, RefuseACompactedTopicForRecordsWithoutKeys) {
  EXPECT_THAT(findings(wanted(TopicPurpose::keyless), existing("compact")),
              ElementsAre("error keyless_topic_compacted"));
  EXPECT_THAT(findings(wanted(TopicPurpose::keyless), existing("compact,delete")),
              ElementsAre("error keyless_topic_compacted"));
}

TEST(TopicSettings, RefuseAProgressTopicThatForgets) {
  auto progress = with_defaults("t", TopicPurpose::progress, 1, std::nullopt, {}, 3);
  EXPECT_THAT(findings(progress, existing("compact", 1)), IsEmpty());
  EXPECT_THAT(findings(progress, existing("delete", 1)), ElementsAre("error own_topic_not_compacted"));
  EXPECT_THAT(findings(progress, existing("compact,delete", 1)), ElementsAre("error own_topic_not_compacted"));
  EXPECT_THAT(findings(progress, existing("compact", 2)), ElementsAre("error progress_topic_partitions"));
  progress.partitions = 2;
  EXPECT_THAT(findings(progress, existing("compact", 2)), ElementsAre("error progress_topic_partitions"));
}

TEST(TopicSettings, ThatDifferAreTold) {
  EXPECT_THAT(findings(wanted(TopicPurpose::table, {{"retention.ms", "1"}}), existing()),
              ElementsAre("info topic_setting_differs"));
  EXPECT_THAT(findings(wanted(TopicPurpose::table, {{"retentoin.ms", "1"}}), existing()),
              ElementsAre("error topic_setting_unknown"));
  EXPECT_THAT(findings(wanted(TopicPurpose::table, {{"cleanup.policy", "compact,delete"}}), existing()),
              ElementsAre("warning cleanup_policy_differs"));
  EXPECT_THAT(findings(wanted(TopicPurpose::table, {{"cleanup.policy", "delete,compact"}}), existing("compact,delete")),
              IsEmpty());
}

}  // namespace
}  // namespace walgate::mirror
