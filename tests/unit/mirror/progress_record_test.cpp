#include "mirror/progress_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace walgate::mirror {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

const QualifiedName odd{"My.Schema", "Or\"der"};

TEST(ProgressRecord, OfThePositionComesBack) {
  const MirrorProgress progress{.position = Lsn{100},
                                .last_commit = Lsn{90},
                                .incarnation = "abc",
                                .source = "7",
                                .slot = "s",
                                .timeline = 2,
                                .database = 5,
                                .slot_transactions = 9,
                                .gap = MirrorGap{Lsn{10}, Lsn{20}}};
  const auto parsed = parse_progress(progress_value(progress)).value();
  EXPECT_EQ(progress_value(parsed), progress_value(progress));
  EXPECT_EQ(parsed.gap->text(), "0/A-0/14");
  EXPECT_FALSE(parse_progress("{}"));
  EXPECT_FALSE(parse_progress("nonsense"));
}

TEST(ProgressRecord, OfATableComesBack) {
  const CopiedTable table{.oid = 7,
                          .ids = "5.6",
                          .snapshot = "10:12:11",
                          .horizon = Lsn{100},
                          .rows = 3,
                          .again = true,
                          .gap_told = "0/A-0/14"};
  EXPECT_EQ(parse_table(table_value(table)), table);
  EXPECT_EQ(parse_table(table_value(CopiedTable{})), CopiedTable{});
}

TEST(ProgressRecord, IsTakenByItsKey) {
  ProgressRecords records;
  const RepublishRequest one{.table = odd, .id = "1"};
  const RepublishRequest all{.table = std::nullopt, .id = "2"};
  EXPECT_TRUE(take_record("p", table_key("p", odd), table_value({.oid = 7}), records));
  EXPECT_TRUE(take_record("p", request_key("p", one), "{}", records));
  EXPECT_TRUE(take_record("p", request_key("p", all), "{}", records));
  EXPECT_TRUE(take_record("p", skip_key("p", Lsn{16}), "{}", records));
  EXPECT_FALSE(take_record("p", table_key("another", odd), table_value({.oid = 8}), records));
  EXPECT_FALSE(take_record("p", R"({"pipeline":"p","later":1})", "{}", records));
  EXPECT_EQ(records.tables.at(odd).oid, 7U);
  ASSERT_THAT(records.requests, SizeIs(2));
  EXPECT_EQ(records.requests[0].table, odd);
  EXPECT_EQ(records.requests[1].table, std::nullopt);
  EXPECT_THAT(records.skips, ElementsAre(Lsn{16}));
  EXPECT_FALSE(records.position);
}

TEST(ProgressRecord, GoesWithItsTombstone) {
  ProgressRecords records;
  const auto key = request_key("p", {.table = odd, .id = "1"});
  take_record("p", key, "{}", records);
  take_record("p", key, std::nullopt, records);
  EXPECT_THAT(records.requests, SizeIs(0));
  EXPECT_THAT(records.keys, SizeIs(0));
}

TEST(ProgressRecord, OfThePositionMustBeReadable) {
  ProgressRecords records;
  EXPECT_THROW(take_record("p", progress_key("p"), "nonsense", records), Error);
}

}  // namespace
}  // namespace walgate::mirror
