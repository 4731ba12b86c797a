#include "mirror/time_value.hpp"

#include <limits>

#include "mirror/conversion_error.hpp"

namespace walgate::mirror {

namespace {

constexpr std::int64_t days_1970_to_2000 = 10957;
constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;

constexpr auto date_infinity = std::numeric_limits<std::int32_t>::max();
constexpr auto date_minus_infinity = std::numeric_limits<std::int32_t>::min();
constexpr auto timestamp_infinity = std::numeric_limits<std::int64_t>::max();
constexpr auto timestamp_minus_infinity = std::numeric_limits<std::int64_t>::min();

// What Debezium makes of infinities: -5877611-06-21 and the day before it; the JDBC driver's milliseconds, as
// microseconds.
constexpr std::int64_t epoch_days_infinity = -2147472692;
constexpr std::int64_t epoch_days_minus_infinity = -2147472691;
constexpr std::int64_t epoch_infinity = 9223372036825200000;
constexpr std::int64_t epoch_minus_infinity = -9223372036832400000;

std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
  const auto quotient = value / by;
  return value % by < 0 ? quotient - 1 : quotient;
}

struct Day {
  std::int64_t year;  ///< astronomical: 0 is 1 BC
  unsigned month;
  unsigned day;
};

/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
Day civil(std::int64_t days_since_1970) {
  const auto shifted = days_since_1970 + 719468;
  const auto era = floor_divide(shifted, 146097);
  const auto day_of_era = shifted - era * 146097;
  const auto year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const auto day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const auto shifted_month = (5 * day_of_year + 2) / 153;
  const auto month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), static_cast<unsigned>(month),
          static_cast<unsigned>(day_of_year - (153 * shifted_month + 2) / 5 + 1)};
}

void append_padded(JsonBuffer& out, std::uint64_t value, int width) {
  char digits[24];
  auto* at = digits + sizeof digits;
  for (; value != 0 || width > 0; value /= 10, --width) *--at = static_cast<char>('0' + value % 10);
  out.raw({at, static_cast<std::size_t>(digits + sizeof digits - at)});
}

void append_two(JsonBuffer& out, std::int64_t value) {
  const char digits[2] = {static_cast<char>('0' + value / 10), static_cast<char>('0' + value % 10)};
  out.raw({digits, 2});
}

/// ISO 8601: four digits, more with a sign.
void append_iso_year(JsonBuffer& out, std::int64_t year) {
  if (year < 0) out.raw('-');
  if (year > 9999) out.raw('+');
  append_padded(out, static_cast<std::uint64_t>(year < 0 ? -year : year), 4);
}

void append_iso_day(JsonBuffer& out, std::int64_t days_since_1970) {
  const auto date = civil(days_since_1970);
  append_iso_year(out, date.year);
  out.raw('-');
  append_two(out, date.month);
  out.raw('-');
  append_two(out, date.day);
}

/// As PostgreSQL writes it: years before 1 AD are marked behind the whole value.  Tells whether that is due.
bool append_plain_day(JsonBuffer& out, std::int64_t days_since_1970) {
  const auto date = civil(days_since_1970);
  const auto before_christ = date.year <= 0;
  append_padded(out, static_cast<std::uint64_t>(before_christ ? 1 - date.year : date.year), 4);
  out.raw('-');
  append_two(out, date.month);
  out.raw('-');
  append_two(out, date.day);
  return before_christ;
}

constexpr int as_many_as_needed = -1;

/// 12:34:56 and `decimals` decimals.
void append_clock(JsonBuffer& out, std::int64_t time, int decimals) {
  append_two(out, time / hour);
  out.raw(':');
  append_two(out, time % hour / minute);
  out.raw(':');
  append_two(out, time % minute / second);
  auto fraction = time % second;
  auto width = 6;
  if (decimals == as_many_as_needed) {
    if (fraction == 0) return;
    for (; fraction % 10 == 0; fraction /= 10) --width;
  } else {
    for (; width > decimals; --width) fraction /= 10;
    if (width == 0) return;
  }
  out.raw('.');
  append_padded(out, static_cast<std::uint64_t>(fraction), width);
}

/// A timestamp as whole days since 1970 and the rest of the day.
struct Moment {
  std::int64_t days;
  std::int64_t time;
};
Moment moment_of(std::int64_t timestamp) {
  const auto days = floor_divide(timestamp, day);
  return {days + days_1970_to_2000, timestamp - days * day};
}

void append_iso_moment(JsonBuffer& out, const Moment& moment, int decimals) {
  append_iso_day(out, moment.days);
  out.raw('T');
  append_clock(out, moment.time, decimals);
  out.raw('Z');
}

}  // namespace

std::int64_t epoch_days(std::int32_t date) noexcept {
  if (date == date_infinity) return epoch_days_infinity;
  if (date == date_minus_infinity) return epoch_days_minus_infinity;
  return date + days_1970_to_2000;
}

void append_iso_date(JsonBuffer& out, std::int32_t date) {
  if (date == date_infinity) return out.raw("-5877611-06-21Z");
  if (date == date_minus_infinity) return out.raw("-5877611-06-22Z");
  append_iso_day(out, date + days_1970_to_2000);
  out.raw('Z');
}

void append_time_number(JsonBuffer& out, std::int64_t time, TimeUnit unit) {
  switch (unit) {
    case TimeUnit::milliseconds:
      return out.integer(time / 1000);
    case TimeUnit::microseconds:
      return out.integer(time);
    case TimeUnit::nanoseconds:
      return out.integer(time * 1000);
  }
}

void append_iso_time(JsonBuffer& out, std::int64_t time) {
  append_clock(out, time % day, as_many_as_needed);
  out.raw('Z');
}

void append_zoned_time(JsonBuffer& out, std::int64_t time, std::int32_t zone) {
  const auto utc = (time + zone * second) % day;
  append_clock(out, utc < 0 ? utc + day : utc, as_many_as_needed);
  out.raw('Z');
}

void append_timestamp_number(JsonBuffer& out, std::int64_t timestamp, TimeUnit unit) {
  const auto is_infinite = timestamp == timestamp_infinity || timestamp == timestamp_minus_infinity;
  std::int64_t number = 0;
  if (is_infinite && unit == TimeUnit::nanoseconds) return out.integer(timestamp);
  if (is_infinite) {
    number = timestamp > 0 ? epoch_infinity : epoch_minus_infinity;
  } else if (unit == TimeUnit::milliseconds) {
    return out.integer(floor_divide(timestamp, 1000) + days_1970_to_2000 * (day / 1000));
  } else if (__builtin_add_overflow(timestamp, days_1970_to_2000 * day, &number)) {
    throw ConversionError{
        "the timestamp is too late to be counted in microseconds since 1970; time.precision.mode isostring can write "
        "it"};
  }
  if (unit == TimeUnit::milliseconds) number = floor_divide(number, 1000);
  if (unit == TimeUnit::nanoseconds && __builtin_mul_overflow(number, 1000, &number)) {
    throw ConversionError{
        "the timestamp is too far away to be counted in nanoseconds; other modes of time.precision.mode can write it"};
  }
  out.integer(number);
}

void append_iso_timestamp(JsonBuffer& out, std::int64_t timestamp) {
  if (timestamp == timestamp_infinity) return out.raw("+294247-01-10T04:00:25.2Z");
  if (timestamp == timestamp_minus_infinity) return out.raw("-290308-12-21T19:59:27.6Z");
  append_iso_moment(out, moment_of(timestamp), as_many_as_needed);
}

void append_zoned_timestamp(JsonBuffer& out, std::int64_t timestamp, int precision) {
  if (timestamp == timestamp_infinity) return out.raw("infinity");
  if (timestamp == timestamp_minus_infinity) return out.raw("-infinity");
  append_iso_moment(out, moment_of(timestamp), precision);
}

void append_interval_number(JsonBuffer& out, const IntervalValue& interval) {
  constexpr std::int64_t month = day * 1461 / 48;  // 365.25 days / 12
  const auto whole_days = std::int64_t{interval.days} * day;
  std::int64_t sum = 0;
  if (__builtin_mul_overflow(std::int64_t{interval.months}, month, &sum) ||
      __builtin_add_overflow(sum, whole_days, &sum) || __builtin_add_overflow(sum, interval.microseconds, &sum)) {
    throw ConversionError{
        "the interval is too long to be counted in microseconds; interval.handling.mode string can write it"};
  }
  out.integer(sum);
}

void append_interval_text(JsonBuffer& out, const IntervalValue& interval) {
  out.raw('P');
  out.integer(interval.months / 12);
  out.raw('Y');
  out.integer(interval.months % 12);
  out.raw('M');
  out.integer(interval.days);
  out.raw("DT");
  out.integer(interval.microseconds / hour);
  out.raw('H');
  out.integer(interval.microseconds % hour / minute);
  out.raw('M');
  const auto rest = interval.microseconds % minute;
  if (rest < 0) out.raw('-');
  const auto magnitude = rest < 0 ? -rest : rest;
  out.integer(magnitude / second);
  if (auto fraction = magnitude % second; fraction != 0) {
    auto width = 6;
    for (; fraction % 10 == 0; fraction /= 10) --width;
    out.raw('.');
    append_padded(out, static_cast<std::uint64_t>(fraction), width);
  }
  out.raw('S');
}

void append_plain_date(JsonBuffer& out, std::int32_t date) {
  if (date == date_infinity) return out.raw("infinity");
  if (date == date_minus_infinity) return out.raw("-infinity");
  if (append_plain_day(out, date + days_1970_to_2000)) out.raw(" BC");
}

void append_plain_timestamp(JsonBuffer& out, std::int64_t timestamp, std::string_view zone) {
  if (timestamp == timestamp_infinity) return out.raw("infinity");
  if (timestamp == timestamp_minus_infinity) return out.raw("-infinity");
  const auto moment = moment_of(timestamp);
  const auto before_christ = append_plain_day(out, moment.days);
  out.raw(' ');
  append_clock(out, moment.time, as_many_as_needed);
  out.raw(zone);
  if (before_christ) out.raw(" BC");
}

}  // namespace walgate::mirror
