// course.hpp - how fast the mirror may catch up: not as fast as it can, so that the target's stream, which shares the
// source and perhaps the machine with it, stays as fast as it was.
//
// A course is a position that comes nearer to the end of the source's WAL at an even speed, and is there after a given
// time.  Beyond it the mirror takes nothing; where it cannot follow, it is not held back, and so catches up wherever it
// can.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

#include "wire/lsn.hpp"

namespace walgate::mirror {

class Course {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr Lsn unbounded{std::numeric_limits<std::uint64_t>::max()};

  /// It is there after `time`, sooner where little is to be done.
  explicit Course(std::chrono::milliseconds time) noexcept : time_{time} {}

  /// There is none, until a position is seen.
  void leave() noexcept {
    start_.reset();
    is_abandoned_ = false;
  }
  /// There is no time for it: from now on nothing holds us back.
  void abandon() noexcept { is_abandoned_ = true; }
  /// The source's WAL ends at `end` and we are at `position`; to be told now and then.  The first time a course begins.
  void see(Lsn end, Lsn position, Clock::time_point now) noexcept;
  /// How far we may be now.
  [[nodiscard]] Lsn bound(Clock::time_point now) const noexcept;

 private:
  using Seconds = std::chrono::duration<double>;

  struct Start {
    Clock::time_point at;
    double distance;  ///< to the end of the WAL, in bytes
    double speed;     ///< at which the distance shrinks, in bytes per second
  };
  struct End {
    Clock::time_point at;
    double position;
    double speed;  ///< of the source, in bytes per second
  };

  Seconds time_;
  std::optional<Start> start_;
  End end_{};  ///< as it was seen last
  bool is_abandoned_ = false;
};

}  // namespace walgate::mirror
