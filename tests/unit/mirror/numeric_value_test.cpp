// numeric_value_test.cpp - PostgreSQL's binary numeric.  What whole tables give is held against Debezium in
// tests/kafka.

#include "mirror/numeric_value.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mirror/conversion_error.hpp"
#include "wire/frame_builder.hpp"
#include "wire/reader.hpp"

namespace walgate::mirror {
namespace {

std::string numeric(const std::vector<unsigned>& digits, int weight, unsigned display_scale, unsigned sign = 0) {
  test::Bytes bytes;
  bytes.u16(static_cast<unsigned>(digits.size()))
      .u16(static_cast<unsigned>(weight) & 0xFFFF)
      .u16(sign)
      .u16(display_scale);
  for (const auto digit : digits) bytes.u16(digit);
  return bytes.data();
}

std::string plain(const std::string& bytes) {
  JsonBuffer out;
  NumericValue{bytes}.append_plain(out);
  return std::string{out.view()};
}

std::string unscaled(const std::string& bytes, int scale) {
  JsonBuffer out;
  NumericValue{bytes}.append_unscaled(out, scale);
  return std::string{out.view()};
}

std::string unscaled(std::int64_t value) {
  JsonBuffer out;
  append_unscaled(out, value);
  return std::string{out.view()};
}

constexpr unsigned negative = 0x4000;

TEST(NumericValue, IsPrintedAsPostgresDoes) {
  EXPECT_EQ(plain(numeric({}, 0, 0)), "0");
  EXPECT_EQ(plain(numeric({}, 0, 2)), "0.00");
  EXPECT_EQ(plain(numeric({1, 5000}, 0, 2)), "1.50");
  EXPECT_EQ(plain(numeric({1, 5000}, 0, 1, negative)), "-1.5");
  EXPECT_EQ(plain(numeric({12, 3456, 7800}, 1, 2)), "123456.78");
  EXPECT_EQ(plain(numeric({1}, 2, 0)), "100000000");
  EXPECT_EQ(plain(numeric({1}, 2, 3)), "100000000.000");
  EXPECT_EQ(plain(numeric({12}, -1, 4)), "0.0012");
  EXPECT_EQ(plain(numeric({1}, -3, 12)), "0.000000000001");
  EXPECT_EQ(plain(numeric({1000}, -3, 9)), "0.000000001");
}

TEST(NumericValue, IsAnUnscaledIntegerInAsFewBytesAsHoldIt) {
  EXPECT_EQ(unscaled(numeric({}, 0, 0), 2), "AA==");
  EXPECT_EQ(unscaled(numeric({1, 5000}, 0, 2), 2), "AJY=");            // 150
  EXPECT_EQ(unscaled(numeric({1, 2700}, 0, 2), 2), "fw==");            // 127
  EXPECT_EQ(unscaled(numeric({1, 2800}, 0, 2), 2), "AIA=");            // 128
  EXPECT_EQ(unscaled(numeric({1, 2800}, 0, 2, negative), 2), "gA==");  // -128
  EXPECT_EQ(unscaled(numeric({1, 2900}, 0, 2, negative), 2), "/38=");  // -129
  EXPECT_EQ(unscaled(numeric({1}, 4, 0), 0), "I4byb8EAAA==");          // 10^16
  EXPECT_EQ(unscaled(numeric({1}, 5, 0), 0), "BWvHXi1jEAAA");          // 10^20, more than 64 bits
}

TEST(NumericValue, TakesAScaleBelowZero) {
  EXPECT_EQ(unscaled(numeric({1, 2300}, 1, 0), -2), "ew==");  // 12300 = 123 * 10^2
  EXPECT_EQ(unscaled(numeric({1}, 2, 0), -8), "AQ==");
  EXPECT_THROW(unscaled(numeric({1}, 0, 0), -1), ConversionError);
}

TEST(NumericValue, IsNeverRounded) {
  EXPECT_THROW(unscaled(numeric({1, 5000}, 0, 1), 0), ConversionError);
  EXPECT_THROW(unscaled(numeric({1, 1}, 0, 4), 3), ConversionError);
  EXPECT_EQ(unscaled(numeric({1, 10}, 0, 4), 3), "A+k=");  // 1.0010
  EXPECT_EQ(unscaled(numeric({1, 0}, 0, 4), 0), "AQ==");
}

TEST(NumericValue, KnowsTheLeastScale) {
  EXPECT_EQ(NumericValue{numeric({1, 5000}, 0, 4)}.least_scale(), 1);
  EXPECT_EQ(NumericValue{numeric({1}, 2, 6)}.least_scale(), 0);
  EXPECT_EQ(NumericValue{numeric({}, 0, 6)}.least_scale(), 0);
  EXPECT_EQ(NumericValue{numeric({1}, -3, 12)}.least_scale(), 12);
}

TEST(NumericValue, IsTheClosestDouble) {
  EXPECT_EQ(NumericValue{numeric({1, 1000}, 0, 1)}.as_double(), 1.1);
  EXPECT_EQ(NumericValue{numeric({1}, 77, 0)}.as_double(), 1e308);
  EXPECT_EQ(NumericValue{numeric({1}, 200, 0, negative)}.as_double(), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(NumericValue{numeric({1}, -100, 400)}.as_double(), 0.0);
}

TEST(NumericValue, KnowsWhatIsNotFinite) {
  EXPECT_EQ(NumericValue{numeric({}, 0, 0, 0xC000)}.kind(), NumericValue::Kind::not_a_number);
  EXPECT_EQ(NumericValue{numeric({}, 0, 0, 0xD000)}.kind(), NumericValue::Kind::positive_infinity);
  EXPECT_EQ(NumericValue{numeric({}, 0, 0, 0xF000)}.kind(), NumericValue::Kind::negative_infinity);
}

TEST(NumericValue, RefusesOddBytes) {
  EXPECT_THROW(NumericValue{""}, wire::ProtocolError);
  EXPECT_THROW(NumericValue{numeric({1}, 0, 0).substr(0, 9)}, wire::ProtocolError);
  EXPECT_THROW(NumericValue{numeric({1}, 0, 0) + "x"}, wire::ProtocolError);
  EXPECT_THROW(NumericValue{numeric({10000}, 0, 0)}, wire::ProtocolError);
  EXPECT_THROW(NumericValue{numeric({1}, 0, 0, 0x1234)}, wire::ProtocolError);
}

TEST(NumericValue, IntegersHaveTheSameForm) {
  EXPECT_EQ(unscaled(0), "AA==");
  EXPECT_EQ(unscaled(127), "fw==");
  EXPECT_EQ(unscaled(128), "AIA=");
  EXPECT_EQ(unscaled(-128), "gA==");
  EXPECT_EQ(unscaled(-129), "/38=");
  EXPECT_EQ(unscaled(std::numeric_limits<std::int64_t>::min()), "gAAAAAAAAAA=");
}

}  // namespace
}  // namespace walgate::mirror
