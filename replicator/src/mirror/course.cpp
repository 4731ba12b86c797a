#include "mirror/course.hpp"

#include <algorithm>

namespace walgate::mirror {

namespace {

using namespace std::chrono_literals;

constexpr double least_speed = 4.0 * 1024 * 1024;    ///< bytes per second
constexpr std::chrono::milliseconds portion = 20ms;  ///< what is less before the course is not worth a rest
constexpr std::chrono::milliseconds longest_rest = 100ms;

}  // namespace

void Course::see(Lsn end, Lsn position, Clock::time_point now) noexcept {
  const auto at = static_cast<double>(end.value);
  if (!start_) {
    const auto distance = at - static_cast<double>(std::min(end, position).value);
    start_ = {now, distance, std::max(least_speed, distance / time_.count())};
    end_ = {now, at, 0};
  } else if (const Seconds since = now - end_.at; since > 0s) {
    end_ = {now, at, std::max(0.0, at - end_.position) / since.count()};
  }
}

std::chrono::milliseconds Course::rest(Lsn position, Clock::time_point now) const noexcept {
  if (!start_ || now - start_->at >= time_) return 0ms;
  const auto distance = start_->distance - start_->speed * Seconds{now - start_->at}.count();
  if (distance <= 0) return 0ms;
  const auto allowed = end_.position + end_.speed * Seconds{now - end_.at}.count() - distance;
  const Seconds before{(static_cast<double>(position.value) - allowed) / (start_->speed + end_.speed)};
  if (before < portion) return 0ms;
  return std::min(std::chrono::ceil<std::chrono::milliseconds>(before), longest_rest);
}

}  // namespace walgate::mirror
