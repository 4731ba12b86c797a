// partition_advice_test.cpp - changes into load, and load into partitions.

#include "mirror/partition_advice.hpp"

#include <gtest/gtest.h>

namespace walgate::mirror {
namespace {

constexpr PartitionAssumptions ten{.bytes_per_partition = 1000, .records_per_consumer = 10};

TEST(PartitionAdvice, CountsADeleteTwiceAndAnOldRowWhereItIsSent) {
  const ChangeCounts changes{.inserts = 10, .updates = 20, .deletes = 30};
  const auto plain = load_of(changes, 10, 100, true, false);
  EXPECT_DOUBLE_EQ(plain.rows_per_second, 6);
  EXPECT_DOUBLE_EQ(plain.records_per_second, 9);
  EXPECT_DOUBLE_EQ(plain.bytes_per_second, 600);
  EXPECT_DOUBLE_EQ(load_of(changes, 10, 100, true, true).bytes_per_second, 800);
  EXPECT_DOUBLE_EQ(load_of(changes, 10, 100, false, true).records_per_second, 6);
}

TEST(PartitionAdvice, IsWhatTheSlowerOfBrokerAndConsumerNeeds) {
  EXPECT_EQ(suggested_partitions({}, true, ten), 1U);
  EXPECT_EQ(suggested_partitions({.records_per_second = 10, .bytes_per_second = 1000}, true, ten), 1U);
  EXPECT_EQ(suggested_partitions({.records_per_second = 10, .bytes_per_second = 1001}, true, ten), 2U);
  EXPECT_EQ(suggested_partitions({.records_per_second = 41, .bytes_per_second = 1001}, true, ten), 5U);
}

TEST(PartitionAdvice, IsOnePartitionWithoutAKey) {
  EXPECT_EQ(suggested_partitions({.records_per_second = 1000, .bytes_per_second = 1e9}, false, ten), 1U);
}

}  // namespace
}  // namespace walgate::mirror
