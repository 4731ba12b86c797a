// patience.hpp - how long a call may wait for Kafka.
//
// librdkafka's calls know a time-out and nothing else to end them; so a long wait is made of short ones, and between
// them we look whether the mirror is to leave.
#pragma once

#include <algorithm>
#include <chrono>

#include "sync/event.hpp"

namespace walgate::mirror {

/// How long the answer to a single question may take.
inline constexpr std::chrono::seconds answer_patience{15};

class Patience {
 public:
  using Milliseconds = std::chrono::milliseconds;

  /// Is over after `timeout`, or as soon as `leave` is set, which must outlive it.
  template <typename Count, typename Period>
  Patience(std::chrono::duration<Count, Period> timeout,
           const Event* leave = nullptr)  // NOLINT(google-explicit-constructor): a time is one
      : timeout_{timeout}, deadline_{Clock::now() + timeout}, leave_{leave} {}

  /// There is progress: it begins anew.
  void renew() noexcept { deadline_ = Clock::now() + timeout_; }
  [[nodiscard]] bool is_over() const noexcept { return left() == Milliseconds{0}; }
  /// What is left of it, zero when it is over.
  [[nodiscard]] Milliseconds left() const noexcept {
    if (leave_ != nullptr && leave_->is_set()) return Milliseconds{0};
    return std::max(Milliseconds{0}, std::chrono::ceil<Milliseconds>(deadline_ - Clock::now()));
  }
  /// The next of the short waits that it is made of, in milliseconds, as librdkafka wants them; the first one waits a
  /// little even when the time is over, so that what is there already is found.
  [[nodiscard]] int next(Milliseconds longest = Milliseconds{200}) const noexcept {
    return static_cast<int>(std::clamp(left(), Milliseconds{1}, longest).count());
  }

 private:
  using Clock = std::chrono::steady_clock;

  Milliseconds timeout_;
  Clock::time_point deadline_;
  const Event* leave_;
};

}  // namespace walgate::mirror
