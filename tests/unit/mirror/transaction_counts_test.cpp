// transaction_counts_test.cpp - what END records say against what was seen, and when nothing is concluded.

#include "mirror/transaction_counts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace walgate::mirror {
namespace {

using ::testing::ElementsAre;

Lsn at(std::uint64_t value) {
  return Lsn{value};
}

// "complete cut incomplete exceeded strays" of table t.
std::string result(const TransactionCounts& counts, const std::vector<OffsetGaps>& gaps = {}) {
  const auto one = counts.result("t", gaps);
  return std::to_string(one.complete) + " " + std::to_string(one.cut) + " " + std::to_string(one.incomplete) + " " +
         std::to_string(one.exceeded) + " " + std::to_string(one.strays);
}

TEST(TransactionCounts, AreCompleteWhereAllWasSeen) {
  TransactionCounts counts;
  counts.expect("t", at(10), 2);
  counts.expect("u", at(10), 1);
  counts.expect("t", at(20), 1);
  for (const auto lsn : {10, 10, 20}) counts.saw("t", at(static_cast<std::uint64_t>(lsn)));
  EXPECT_EQ(result(counts), "2 0 0 0 0");
  EXPECT_EQ(counts.result("u", {}).incomplete, 1U);
  EXPECT_EQ(counts.result("never heard of", {}).complete, 0U);
}

TEST(TransactionCounts, TellWhichLackRecordsOrHaveTooMany) {
  TransactionCounts counts;
  for (const auto lsn : {10, 20, 30}) counts.expect("t", at(static_cast<std::uint64_t>(lsn)), 2);
  for (const auto lsn : {10, 10, 20, 30, 30, 30}) counts.saw("t", at(static_cast<std::uint64_t>(lsn)));
  EXPECT_EQ(result(counts), "1 0 1 1 0");
  EXPECT_THAT(counts.result("t", {}).examples, ElementsAre(at(20), at(30)));
}

TEST(TransactionCounts, LeaveOutWhatLiesBeforeTheFirstEndAndAfterTheLast) {
  TransactionCounts counts;
  counts.saw("t", at(5));
  EXPECT_EQ(result(counts), "0 0 0 0 0");
  counts.expect("t", at(10), 1);
  counts.expect("u", at(30), 1);
  for (const auto lsn : {5, 10, 40}) counts.saw("t", at(static_cast<std::uint64_t>(lsn)));
  EXPECT_EQ(result(counts), "1 0 0 0 0");
  counts.saw("t", at(20));
  EXPECT_EQ(result(counts), "1 0 0 0 1") << "between the two a record must have its END";
}

TEST(TransactionCounts, CountAnEndThatCameTwiceOnce) {
  TransactionCounts counts;
  counts.expect("t", at(10), 1);
  counts.expect("t", at(10), 1);
  counts.saw("t", at(10));
  EXPECT_EQ(result(counts), "1 0 0 0 0");
}

TEST(TransactionCounts, ConcludeNothingWhereOffsetsAreMissing) {
  TransactionCounts counts;
  for (const auto lsn : {10, 20, 30}) counts.expect("t", at(static_cast<std::uint64_t>(lsn)), 1);
  counts.saw("t", at(20));
  OffsetGaps cut;
  cut.saw(7, at(20), 1);
  EXPECT_EQ(result(counts, {cut}), "1 1 1 0 0") << "30 comes after the gap";
  cut.ended(10);
  EXPECT_EQ(result(counts, {cut}), "1 2 0 0 0");
}

TEST(KafkaTransactions, EndWhereAnOffsetIsMissing) {
  KafkaTransactions transactions;
  transactions.saw(4, at(10));  // the topic was cut before
  transactions.saw(5, at(10));
  transactions.saw(6, at(20));
  transactions.saw(7, at(20));
  transactions.saw(9, at(30));
  EXPECT_EQ(transactions.of(at(10)), transactions.of(at(20)));
  EXPECT_NE(transactions.of(at(20)), transactions.of(at(30)));
  EXPECT_NE(transactions.of(at(5)), transactions.of(at(10)));
  EXPECT_NE(transactions.of(at(30)), transactions.of(at(40)));
}

TEST(OffsetGaps, AreNotWhereRecordsFollowEachOther) {
  OffsetGaps gaps;
  gaps.saw(0, at(10), 1);
  gaps.saw(1, at(10), 1);
  gaps.saw(2, at(15), 1);
  gaps.saw(4, at(20), 2);  // after the end of a Kafka transaction
  gaps.ended(6);
  for (const auto lsn : {5, 10, 15, 20, 25}) EXPECT_FALSE(gaps.covers(at(static_cast<std::uint64_t>(lsn)))) << lsn;
}

TEST(OffsetGaps, LieInsideOfATransactionBetweenTwoAndAtTheBeginning) {
  OffsetGaps gaps;
  gaps.saw(1, at(10), 1);
  gaps.saw(2, at(20), 1);
  gaps.saw(5, at(30), 2);  // one more than the end of a Kafka transaction takes
  gaps.saw(6, at(40), 2);
  gaps.saw(8, at(50), 2);  // no end of one
  gaps.saw(9, at(60), 2);
  std::string covered;
  for (std::uint64_t lsn = 5; lsn <= 65; lsn += 5) {
    if (gaps.covers(at(lsn))) covered += std::to_string(lsn) + " ";
  }
  EXPECT_EQ(covered, "5 10 20 25 30 40 45 50 ");
}

TEST(OffsetGaps, OfAnEmptyPartitionThatHeldSomethingAreAllOfIt) {
  OffsetGaps never;
  never.ended(0);
  EXPECT_FALSE(never.covers(at(1)));
  OffsetGaps emptied;
  emptied.ended(7);
  EXPECT_TRUE(emptied.covers(at(1)));
}

}  // namespace
}  // namespace walgate::mirror
