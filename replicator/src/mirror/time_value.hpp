// time_value.hpp - dates, times and intervals in the forms that records have.
//
// PostgreSQL counts days and microseconds from 2000-01-01; a date or timestamp of the smallest or largest number is
// -infinity or infinity.  The records count from 1970-01-01, or have ISO 8601 texts in the proleptic Gregorian
// calendar, with a year zero.  What Debezium writes for infinities of types without one is kept, since its readers know
// it.
#pragma once

#include <cstdint>

#include "mirror/json_buffer.hpp"

namespace walgate::mirror {

/// What a count of microseconds is divided or multiplied to.
enum class TimeUnit { milliseconds, microseconds, nanoseconds };

/// Days since 1970 of PostgreSQL's binary date.
[[nodiscard]] std::int64_t epoch_days(std::int32_t date) noexcept;
/// Appends 2026-11-21Z, without quotes.
void append_iso_date(JsonBuffer& out, std::int32_t date);

/// Appends a time of day, in microseconds since midnight, as a number.
void append_time_number(JsonBuffer& out, std::int64_t time, TimeUnit unit);
/// Appends 12:34:56.789Z with as many decimals as it has; the end of the day is its beginning.
void append_iso_time(JsonBuffer& out, std::int64_t time);
/// Appends a time with time zone, whose zone is in seconds west of UTC, as the time in UTC: 09:34:56.789Z.
void append_zoned_time(JsonBuffer& out, std::int64_t time, std::int32_t zone);

/// Appends a timestamp without time zone as a number since 1970.  Throws ConversionError for one that has no number.
void append_timestamp_number(JsonBuffer& out, std::int64_t timestamp, TimeUnit unit);
/// Appends 2026-11-21T12:34:56.789Z with as many decimals as it has.
void append_iso_timestamp(JsonBuffer& out, std::int64_t timestamp);
/// Appends a timestamp with time zone in UTC with `precision` decimals, or infinity.
void append_zoned_timestamp(JsonBuffer& out, std::int64_t timestamp, int precision);

/// PostgreSQL's binary interval: its three parts count separately.
struct IntervalValue {
  std::int64_t microseconds;
  std::int32_t days;
  std::int32_t months;
};
/// Appends the length in microseconds, a month as a twelfth of 365.25 days.  Throws ConversionError beyond 64 bits.
void append_interval_number(JsonBuffer& out, const IntervalValue& interval);
/// Appends P1Y2M3DT4H5M6.789S.
void append_interval_text(JsonBuffer& out, const IntervalValue& interval);

// As PostgreSQL prints them in DateStyle ISO, without quotes; bounds of ranges are written so.

/// 2026-11-21, 0044-03-15 BC, infinity.
void append_plain_date(JsonBuffer& out, std::int32_t date);
/// 2026-11-21 12:34:56.789, with `zone` behind the time ("+00" or nothing).
void append_plain_timestamp(JsonBuffer& out, std::int64_t timestamp, std::string_view zone);

}  // namespace walgate::mirror
