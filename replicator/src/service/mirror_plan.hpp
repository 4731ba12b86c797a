// mirror_plan.hpp - what the source's tables would bring to Kafka, measured, and what topics that asks for.
//
// How many rows change: the source's own counters (pg_stat_user_tables), read twice.  How large their records are: the
// mirror's own records of a sample of the table's rows, because JSON is no multiple of a row's width on disk; where the
// role may not read the table, the widths that ANALYZE found.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "mirror/partition_advice.hpp"

namespace walgate::service {

/// Where a record's size comes from.
enum class SizeSource {
  rows,        ///< records of a sample of rows
  statistics,  ///< pg_stats.avg_width, with names and punctuation
  nothing      ///< the table is empty, or cannot be read and was never analysed
};
[[nodiscard]] std::string_view text_of(SizeSource source) noexcept;

struct TablePlan {
  std::string table;
  std::string topic;
  bool has_key = true;
  mirror::ChangeCounts changes;  ///< in the interval
  double record_bytes = 0;       ///< average
  SizeSource size_source = SizeSource::nothing;
  mirror::TopicLoad load;
  std::uint64_t partitions = 1;  ///< suggested
  std::uint64_t configured_partitions = 1;
  std::optional<std::int32_t> existing_partitions;  ///< of the topic; nullopt: there is none, or nobody answered
};

struct MirrorPlan {
  double seconds = 0;  ///< that were measured
  mirror::PartitionAssumptions assumptions;
  std::optional<std::int32_t> brokers;  ///< nullopt: the cluster does not answer
  std::string why_no_brokers;
  std::uint64_t replication_factor = 3;
  std::vector<TablePlan> tables;  ///< those with the most bytes first
};

/// Takes as long as the interval.  Throws Error.
[[nodiscard]] MirrorPlan plan_mirror(const Config& config, std::chrono::milliseconds interval,
                                     const mirror::PartitionAssumptions& assumptions);

}  // namespace walgate::service
