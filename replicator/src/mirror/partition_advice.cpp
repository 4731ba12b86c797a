#include "mirror/partition_advice.hpp"

#include <algorithm>
#include <cmath>

namespace walgate::mirror {

TopicLoad load_of(const ChangeCounts& changes, double seconds, double record_bytes, bool has_key,
                  bool has_full_identity) noexcept {
  const auto rows = static_cast<double>(changes.rows());
  const auto tombstones = has_key ? static_cast<double>(changes.deletes) : 0;
  const auto old_rows = has_full_identity ? static_cast<double>(changes.updates) : 0;
  return {.rows_per_second = rows / seconds,
          .records_per_second = (rows + tombstones) / seconds,
          .bytes_per_second = (rows + old_rows) * record_bytes / seconds};
}

std::uint64_t suggested_partitions(const TopicLoad& load, bool has_key,
                                   const PartitionAssumptions& assumptions) noexcept {
  if (!has_key) return 1;
  const auto for_bytes = std::ceil(load.bytes_per_second / static_cast<double>(assumptions.bytes_per_partition));
  const auto for_records = std::ceil(load.records_per_second / static_cast<double>(assumptions.records_per_consumer));
  return static_cast<std::uint64_t>(std::max({1.0, for_bytes, for_records}));
}

}  // namespace walgate::mirror
