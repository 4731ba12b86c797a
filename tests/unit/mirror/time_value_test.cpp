// time_value_test.cpp - the edges of dates and times.  What tables hold is held against Debezium in tests/kafka.

#include "mirror/time_value.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "mirror/conversion_error.hpp"

namespace walgate::mirror {
namespace {

constexpr std::int64_t from_1970 = 946'684'800'000'000;
constexpr auto largest = std::numeric_limits<std::int64_t>::max();

std::string text(const std::function<void(JsonBuffer&)>& append) {
  JsonBuffer out;
  append(out);
  return std::string{out.view()};
}
std::string moment(std::int64_t since_1970) {
  return text([&](JsonBuffer& out) { append_iso_timestamp(out, since_1970 - from_1970); });
}
std::string number(std::int64_t timestamp, TimeUnit unit) {
  return text([&](JsonBuffer& out) { append_timestamp_number(out, timestamp, unit); });
}

TEST(TimeValue, KnowsTheCalendar) {
  constexpr std::int64_t day = 86'400'000'000;
  EXPECT_EQ(moment(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(moment(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(moment(11016 * day), "2000-02-29T00:00:00Z");
  EXPECT_EQ(moment(-25508 * day), "1900-03-01T00:00:00Z");  // 1900 had no 29 February
  EXPECT_EQ(moment(-25509 * day), "1900-02-28T00:00:00Z");
  EXPECT_EQ(moment(-719528 * day), "0000-01-01T00:00:00Z");  // the year that is 1 BC
  EXPECT_EQ(moment(2932897 * day), "+10000-01-01T00:00:00Z");
}

TEST(TimeValue, RoundsDownAndNotToZero) {
  EXPECT_EQ(number(-from_1970 - 1, TimeUnit::milliseconds), "-1");
  EXPECT_EQ(number(-from_1970 - 1000, TimeUnit::milliseconds), "-1");
  EXPECT_EQ(number(-from_1970 - 1001, TimeUnit::milliseconds), "-2");
}

TEST(TimeValue, RefusesNumbersThatWouldWrapAround) {
  EXPECT_EQ(number(largest - from_1970, TimeUnit::microseconds), "9223372036854775807");
  EXPECT_THROW(number(largest - from_1970 + 1, TimeUnit::microseconds), ConversionError);
  EXPECT_NO_THROW(number(largest - 1, TimeUnit::milliseconds));
  EXPECT_THROW(number(largest / 1000, TimeUnit::nanoseconds), ConversionError);
  const auto interval = [](const IntervalValue& value) {
    return text([&](JsonBuffer& out) { append_interval_number(out, value); });
  };
  EXPECT_EQ(interval({1, 1, 1}), "2716200000001");
  EXPECT_THROW(interval({0, 0, std::numeric_limits<std::int32_t>::max()}), ConversionError);
  EXPECT_THROW(interval({largest, 1, 0}), ConversionError);
}

TEST(TimeValue, PrintsIntervalsOfBothSigns) {
  const auto interval = [](const IntervalValue& value) {
    return text([&](JsonBuffer& out) { append_interval_text(out, value); });
  };
  EXPECT_EQ(interval({-500'000, 0, 0}), "P0Y0M0DT0H0M-0.5S");
  EXPECT_EQ(interval({-3'600'000'001, -1, -13}), "P-1Y-1M-1DT-1H0M-0.000001S");
  EXPECT_EQ(interval({std::numeric_limits<std::int64_t>::min(), 0, 0}), "P0Y0M0DT-2562047788H0M-54.775808S");
}

}  // namespace
}  // namespace walgate::mirror
