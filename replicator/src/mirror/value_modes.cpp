#include "mirror/value_modes.hpp"

#include <array>
#include <utility>

namespace walgate::mirror {

namespace {

template <typename Mode, std::size_t size>
std::optional<Mode> find(const std::array<std::pair<std::string_view, Mode>, size>& names, std::string_view name) {
  for (const auto& [known, mode] : names) {
    if (known == name) return mode;
  }
  return std::nullopt;
}

}  // namespace

std::optional<DecimalMode> decimal_mode_of(std::string_view name) {
  static constexpr auto names = std::to_array<std::pair<std::string_view, DecimalMode>>(
      {{"precise", DecimalMode::precise}, {"string", DecimalMode::string}, {"double", DecimalMode::double_precision}});
  return find(names, name);
}

std::optional<TimeMode> time_mode_of(std::string_view name) {
  static constexpr auto names = std::to_array<std::pair<std::string_view, TimeMode>>(
      {{"adaptive", TimeMode::adaptive},
       {"adaptive_time_microseconds", TimeMode::adaptive_time_microseconds},
       {"isostring", TimeMode::isostring},
       {"connect", TimeMode::connect},
       {"microseconds", TimeMode::microseconds},
       {"nanoseconds", TimeMode::nanoseconds}});
  return find(names, name);
}

std::optional<BinaryMode> binary_mode_of(std::string_view name) {
  static constexpr auto names =
      std::to_array<std::pair<std::string_view, BinaryMode>>({{"bytes", BinaryMode::bytes},
                                                              {"base64", BinaryMode::base64},
                                                              {"base64-url-safe", BinaryMode::base64_url_safe},
                                                              {"hex", BinaryMode::hex}});
  return find(names, name);
}

std::optional<IntervalMode> interval_mode_of(std::string_view name) {
  static constexpr auto names = std::to_array<std::pair<std::string_view, IntervalMode>>(
      {{"numeric", IntervalMode::numeric}, {"string", IntervalMode::string}});
  return find(names, name);
}

}  // namespace walgate::mirror
