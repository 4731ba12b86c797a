// throttle.hpp - keeps all workers together below a number of rows in a second.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "postgres/connection.hpp"
#include "sync/event.hpp"

namespace walgate::copy {

class Throttle {
 public:
  /// 0: no limit.
  explicit Throttle(std::uint64_t rows_per_second) : rows_per_second_{rows_per_second} {}

  /// Waits until so many rows more may be read.  Throws Interrupted when `stop` is set.
  void take(std::uint64_t rows, const Event& stop) {
    if (rows_per_second_ == 0 || rows == 0) return;
    const auto wait = reserve(rows);
    if (wait.count() <= 0) return;
    auto descriptors = std::to_array<pollfd>({{stop.descriptor(), POLLIN, 0}});
    if (wait_for(descriptors, wait)) throw postgres::Interrupted{};
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::chrono::milliseconds reserve(std::uint64_t rows) {
    const std::lock_guard lock{mutex_};
    const auto now = Clock::now();
    next_ = std::max(next_, now) + std::chrono::microseconds{rows * 1'000'000 / rows_per_second_};
    return std::chrono::ceil<std::chrono::milliseconds>(next_ - now);
  }

  const std::uint64_t rows_per_second_;
  std::mutex mutex_;
  Clock::time_point next_;  ///< when what was taken is worked off
};

}  // namespace walgate::copy
