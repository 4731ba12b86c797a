// partition_advice.hpp - how many partitions a topic should have for the changes that it takes.
//
//   partitions = max(1, ceil(bytes per second / bytes per partition), ceil(records per second / records per consumer))
//
// Each partition is written by one broker and read by one member of a consumer group, so either may be what limits.
#pragma once

#include <cstdint>

namespace walgate::mirror {

/// What one partition and one consumer are taken to manage in a second.
struct PartitionAssumptions {
  std::uint64_t bytes_per_partition = 10UL << 20U;
  std::uint64_t records_per_consumer = 10000;
};

/// Changes of a table in an interval.
struct ChangeCounts {
  std::uint64_t inserts = 0;
  std::uint64_t updates = 0;
  std::uint64_t deletes = 0;
  [[nodiscard]] std::uint64_t rows() const noexcept { return inserts + updates + deletes; }
  friend bool operator==(const ChangeCounts&, const ChangeCounts&) = default;
};

/// What changes come to in Kafka.  A delete is two records; an update holds the old row as well with REPLICA IDENTITY
/// FULL, and so does a delete.
struct TopicLoad {
  double rows_per_second = 0;
  double records_per_second = 0;
  double bytes_per_second = 0;
};
/// `record_bytes`: an average record of a row, with its key.  `seconds` is above zero.
[[nodiscard]] TopicLoad load_of(const ChangeCounts& changes, double seconds, double record_bytes, bool has_key,
                                bool has_full_identity) noexcept;

/// Records without a key all go into one partition.
[[nodiscard]] std::uint64_t suggested_partitions(const TopicLoad& load, bool has_key,
                                                 const PartitionAssumptions& assumptions) noexcept;

}  // namespace walgate::mirror
