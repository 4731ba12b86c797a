// gate_cost.hpp - what it costs the source that the stream waits: WAL that it cannot remove.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "config/config.hpp"
#include "postgres/connection.hpp"
#include "sync/event.hpp"

namespace walgate::service {

/// Asks the source now and then; a source that does not answer costs nothing that could be told.
class GateCost {
 public:
  GateCost(const Config& config, const Event* stop) : config_{config}, stop_{stop} {}

  struct Sample {
    Lsn source;
    std::uint64_t retained_bytes = 0;
    std::optional<std::uint64_t> bytes_per_minute;  ///< since the first sample; nullopt in the first second
  };
  /// nullopt while the source does not answer.
  [[nodiscard]] std::optional<Sample> look();
  /// Does the source invalidate slots that are not used, and is half of that time over?
  [[nodiscard]] bool slot_wants_use() const;

 private:
  using Clock = std::chrono::steady_clock;
  const Config& config_;
  const Event* stop_;
  std::optional<postgres::Connection> source_;
  Clock::time_point next_try_;
  const Clock::time_point began_ = Clock::now();
  std::optional<std::chrono::seconds> idle_timeout_;
  Lsn first_;
  Clock::time_point first_at_;
};

}  // namespace walgate::service
