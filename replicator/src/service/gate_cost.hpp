// gate_cost.hpp - what it costs the source that the stream waits: WAL that it cannot remove.
//
// Since 18 a source can be told to invalidate slots that nobody uses for some time
// (idle_replication_slot_timeout); it is used in half of that.
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
  /// nullopt while the source does not answer.  Uses the slot where that is due.
  [[nodiscard]] std::optional<Sample> look();

  /// The session on which it asks, opened where there is none.  Throws Error, Interrupted.
  [[nodiscard]] postgres::Connection& source();

 private:
  void use_slot(std::chrono::milliseconds idle_timeout);

  using Clock = std::chrono::steady_clock;
  const Config& config_;
  const Event* stop_;
  std::optional<postgres::Connection> source_;
  Clock::time_point next_try_;
  Clock::time_point used_ = Clock::now();  ///< the slot
  Lsn first_;
  Clock::time_point first_at_;
};

}  // namespace walgate::service
