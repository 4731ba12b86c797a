#include "service/start_checks.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace walgate::service {
namespace {

/// A pipeline that stands well: nothing to find.
Situation standing() {
  Situation now;
  now.source.system = "1";
  now.source.timeline = 1;
  now.source.database = 5;
  now.source.database_name = "shop";
  now.source.flushed = Lsn{1000};
  now.target = {"2", 6};
  now.publications = {"orders"};
  now.slot = stream::SlotInfo{};
  now.slot->plugin = "walgate";
  now.slot->database = "shop";
  now.slot->confirmed_flush = Lsn{500};
  now.slot->restart = Lsn{400};
  now.slot->wal_status = "reserved";
  now.slot->transactions = 7;
  now.own_tables = true;
  now.may_mark_origin = true;
  now.registration = apply::Registration{};
  now.registration->source_system = "1";
  now.registration->source_timeline = 1;
  now.registration->source_database = 5;
  now.registration->slot = "orders";
  now.registration->target_system = "2";
  now.registration->target_database = 6;
  now.progress = apply::Progress{};
  now.progress->position = Lsn{500};
  now.progress->slot_transactions = 7;
  return now;
}

Config config() {
  Config made;
  made.pipeline = "orders";
  made.source.slot = "orders";
  made.source.publications = {"orders"};
  return made;
}

/// Names of the findings, a line each.
std::string names_of(const Situation& now) {
  std::string names;
  for (const auto& finding : check_positions(config(), now)) names += fmt::format("{}\n", text_of(finding.name));
  return names;
}

TEST(CheckPositions, FindsNothingWhereSlotAndTargetAgree) {
  auto now = standing();
  EXPECT_EQ(names_of(now), "");
  now.progress->position = Lsn{600};
  EXPECT_EQ(names_of(now), "") << "a target ahead of the slot has only not been acknowledged yet";
}

TEST(CheckPositions, ASlotAheadOfTheTargetWasAdvancedByAnother) {
  auto now = standing();
  now.slot->confirmed_flush = Lsn{501};
  EXPECT_EQ(names_of(now), "slot_advanced\n");
}

TEST(CheckPositions, ASlotAheadThatHasDecodedLessThanWeKnowWasCreatedAgain) {
  auto now = standing();
  now.slot->confirmed_flush = now.slot->restart = Lsn{700};
  now.slot->transactions = 0;
  EXPECT_EQ(names_of(now), "slot_recreated\n");
}

TEST(CheckPositions, ASlotAheadThatHasDecodedMoreThanWeKnowMeansARestoredTarget) {
  auto now = standing();
  now.slot->confirmed_flush = Lsn{700};
  now.slot->transactions = 9;
  EXPECT_EQ(names_of(now), "target_restored\n");
}

TEST(CheckPositions, ATargetBeyondTheSourcesWalMeansARestoredSource) {
  auto now = standing();
  now.progress->position = Lsn{1001};
  EXPECT_EQ(names_of(now), "source_restored\n");
  now = standing();
  now.source.timeline = 2;
  EXPECT_EQ(names_of(now), "source_restored\n");
}

TEST(CheckPositions, NoticesForeignServers) {
  auto now = standing();
  now.source.system = "9";
  EXPECT_EQ(names_of(now), "other_source_system\n");
  now = standing();
  now.source.database = 9;
  EXPECT_EQ(names_of(now), "other_source_system\n");
  now = standing();
  now.target.database = 9;
  EXPECT_EQ(names_of(now), "other_target_system\n");
}

TEST(CheckPositions, NoticesASlotThatIsGoneForeignOrLost) {
  auto now = standing();
  now.slot.reset();
  EXPECT_EQ(names_of(now), "slot_missing\n");
  now = standing();
  now.slot->plugin = "pgoutput";
  EXPECT_EQ(names_of(now), "slot_of_other_plugin\n");
  now = standing();
  now.slot->database = "other";
  EXPECT_EQ(names_of(now), "slot_of_other_database\n");
  now = standing();
  now.slot->wal_status = "lost";
  EXPECT_EQ(names_of(now), "slot_invalidated\n");
}

TEST(CheckPositions, NoticesChangedRightsAndNames) {
  auto now = standing();
  now.may_replica_role = true;
  EXPECT_EQ(names_of(now), "rights_changed\n");
  now = standing();
  now.registration->slot = "elsewhere";
  EXPECT_EQ(names_of(now), "pipeline_exists_elsewhere\n");
  now = standing();
  now.publications.clear();
  EXPECT_EQ(names_of(now), "publication_missing\n");
}

TEST(CheckPositions, TellsSeveralThingsAtOnce) {
  auto now = standing();
  now.publications.clear();
  now.slot->wal_status = "lost";
  now.source.in_recovery = true;
  EXPECT_EQ(names_of(now), "source_in_recovery\nslot_invalidated\npublication_missing\n");
}

TEST(CheckPositions, SaysThatOneClusterWaitsForItself) {
  auto now = standing();
  now.target.system = now.registration->target_system = "1";
  now.source.application_name = "walgate orders";
  now.source.synchronous_standby_names = "FIRST 1 (\"walgate orders\")";
  EXPECT_EQ(names_of(now), "waits_for_itself\n");
}

TEST(ThrowErrors, BringsTheFirstErrorAndMentionsTheOthers) {
  const std::vector<Finding> findings{
      {Severity::warning, ErrorName::not_deferrable, "a", "w", "r"},
      {Severity::error, ErrorName::slot_missing, "slot \"x\"", "is gone", "make it"},
      {Severity::error, ErrorName::target_table_missing, "s.t", "is not there", "create it", "tables[1]"}};
  try {
    throw_errors(findings);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.failure().name, ErrorName::slot_missing);
    EXPECT_STREQ(error.what(), "slot \"x\": is gone");
    EXPECT_EQ(error.failure().detail, "also s.t: is not there");
    EXPECT_EQ(error.failure().remedy, "make it");
  }
}

}  // namespace
}  // namespace walgate::service
