// value_modes.hpp - in which of several forms values of some types are written.
//
// Names and defaults are Debezium's, so that who knows the one knows the other.  Source: the properties of Debezium's
// PostgreSQL connector 3.6.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace walgate::mirror {

/// `decimal.handling.mode`: numeric and money.
enum class DecimalMode {
  precise,          ///< Connect's Decimal: the unscaled number's bytes; a struct with the scale where the type has none
  string,           ///< as PostgreSQL prints it
  double_precision  ///< "double": rounded
};

/// `time.precision.mode`: date, time and timestamp without time zone.
enum class TimeMode {
  adaptive,                    ///< milliseconds up to a precision of 3, else microseconds
  adaptive_time_microseconds,  ///< the same, but times of day always in microseconds
  isostring,                   ///< ISO 8601
  connect,                     ///< Connect's own types, always milliseconds: finer parts are cut off
  microseconds,
  nanoseconds
};

/// `binary.handling.mode`: bytea.
enum class BinaryMode { bytes, base64, base64_url_safe, hex };

/// `interval.handling.mode`.
enum class IntervalMode {
  numeric,  ///< microseconds; a month counts as a twelfth of 365.25 days
  string    ///< P1Y2M3DT4H5M6.78S
};

struct ValueModes {
  DecimalMode decimal = DecimalMode::precise;
  TimeMode time = TimeMode::adaptive;
  BinaryMode binary = BinaryMode::bytes;
  IntervalMode interval = IntervalMode::numeric;
  int money_fraction_digits = 2;  ///< `money.fraction.digits`: as lc_monetary of the source has them
  /// What stands for a value that the WAL does not hold.
  std::string unavailable_value_placeholder = "__debezium_unavailable_value";
};

/// The mode of that name; nullopt for any other text.
[[nodiscard]] std::optional<DecimalMode> decimal_mode_of(std::string_view name);
[[nodiscard]] std::optional<TimeMode> time_mode_of(std::string_view name);
[[nodiscard]] std::optional<BinaryMode> binary_mode_of(std::string_view name);
[[nodiscard]] std::optional<IntervalMode> interval_mode_of(std::string_view name);

}  // namespace walgate::mirror
