// json_buffer_test.cpp - JSON text: escapes at every place of a word, numbers that are read back as they were.

#include "mirror/json_buffer.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace walgate::mirror {
namespace {

std::string string_of(std::string_view text) {
  JsonBuffer out;
  out.string(text);
  return std::string{out.view()};
}

template <typename Number>
std::string number_of(Number value) {
  JsonBuffer out;
  out.number(value);
  return std::string{out.view()};
}

TEST(JsonBuffer, EscapesWhatJsonAsksFor) {
  EXPECT_EQ(string_of("a\"b\\c\n\r\t\b\f\x01\x1f/"), R"("a\"b\\c\n\r\t\b\f\u0001\u001f/")");
  EXPECT_EQ(string_of("\x7f äöü ☃ 😀"), "\"\x7f äöü ☃ 😀\"");
  EXPECT_EQ(string_of(""), R"("")");
  EXPECT_EQ(string_of(std::string_view{"\0", 1}), R"("\u0000")");
}

TEST(JsonBuffer, EscapesAtEveryPlaceOfEveryLength) {
  for (std::size_t length = 1; length < 40; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      for (const auto c : {'"', '\\', '\n', '\x01', '\x1f', ' ', '\x7f'}) {
        std::string text(length, 'x');
        text[at] = c;
        ASSERT_EQ(nlohmann::json::parse(string_of(text)).get<std::string>(), text) << length << " " << at;
      }
    }
  }
}

TEST(JsonBuffer, GrowsInTheMiddleOfEscapes) {
  for (const std::size_t size : {1000u, 1023u, 1024u, 1025u, 5000u}) {
    const std::string text(size, '\x01');
    EXPECT_EQ(nlohmann::json::parse(string_of(text)).get<std::string>(), text);
    JsonBuffer out;
    for (std::size_t i = 0; i < size; ++i) out.raw('"');
    EXPECT_EQ(out.view(), std::string(size, '"'));
  }
}

TEST(JsonBuffer, WritesNumbersThatAreReadBack) {
  for (const auto value :
       {0.1, 1e300, 5e-324, 1.7976931348623157e308, -2.5, 9007199254740993.0, 1e15, 1e16, 123456789.125}) {
    EXPECT_EQ(std::strtod(number_of(value).c_str(), nullptr), value) << number_of(value);
    EXPECT_TRUE(nlohmann::json::parse(number_of(value)).is_number_float()) << number_of(value);
  }
  EXPECT_EQ(number_of(1.0), "1.0");
  EXPECT_EQ(number_of(-0.0), "-0.0");
  EXPECT_EQ(number_of(0.1F), "0.1");
  EXPECT_EQ(number_of(16777216.0F), "16777216.0");
  EXPECT_EQ(number_of(std::numeric_limits<double>::quiet_NaN()), R"("NaN")");
  EXPECT_EQ(number_of(std::numeric_limits<double>::infinity()), R"("Infinity")");
  EXPECT_EQ(number_of(-std::numeric_limits<float>::infinity()), R"("-Infinity")");
}

TEST(JsonBuffer, IsUsedAgain) {
  JsonBuffer out;
  out.integer(std::numeric_limits<std::int64_t>::min());
  out.raw(',');
  out.unsigned_integer(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(out.view(), "-9223372036854775808,18446744073709551615");
  out.cut(2);
  EXPECT_EQ(out.view(), "-9");
  out.clear();
  EXPECT_EQ(out.view(), "");
  out.boolean(true);
  EXPECT_EQ(out.view(), "true");
}

}  // namespace
}  // namespace walgate::mirror
