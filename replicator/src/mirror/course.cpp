#include "mirror/course.hpp"

#include <algorithm>

namespace walgate::mirror {

namespace {

constexpr double least_speed = 4.0 * 1024 * 1024;  ///< bytes per second

}  // namespace

void Course::see(Lsn end, Lsn position, Clock::time_point now) noexcept {
  const auto at = static_cast<double>(end.value);
  if (!start_) {
    const auto distance = at - static_cast<double>(std::min(end, position).value);
    start_ = {now, distance, std::max(least_speed, distance / time_.count())};
    end_ = {now, at, 0};
  } else if (const Seconds since = now - end_.at; since.count() > 0) {
    end_ = {now, at, std::max(0.0, at - end_.position) / since.count()};
  }
}

Lsn Course::bound(Clock::time_point now) const noexcept {
  if (!start_ || is_abandoned_ || now - start_->at >= time_) return unbounded;
  const auto distance = start_->distance - start_->speed * Seconds{now - start_->at}.count();
  if (distance <= 0) return unbounded;
  const auto end = end_.position + end_.speed * Seconds{now - end_.at}.count();
  return Lsn{static_cast<std::uint64_t>(std::max(0.0, end - distance))};
}

}  // namespace walgate::mirror
