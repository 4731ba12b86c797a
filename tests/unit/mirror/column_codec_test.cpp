// column_codec_test.cpp - which form a column's values get.  The forms themselves are held against Debezium in
// tests/kafka.

#include "mirror/column_codec.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "mirror/conversion_error.hpp"
#include "mirror/plain_text.hpp"
#include "mirror/type_oids.hpp"
#include "wire/frame_builder.hpp"
#include "wire/reader.hpp"

namespace walgate::mirror {
namespace {

const SourceText utf8{"UTF8"};

wire::Column column(std::uint32_t type, std::int32_t typmod = -1, char kind = 'b') {
  return {.name = "c", .type_kind = kind, .type_oid = type, .base_oid = type, .typmod = typmod};
}

// The value as JSON text.
std::string json(const wire::Column& of, std::string_view bytes, const SourceTypes& types = {},
                 const CodecOptions& options = {}) {
  const auto codec = column_codec(of, options, types, utf8);
  if (!codec) return "no form";
  JsonBuffer out;
  codec->append(out, *codec, bytes);
  return std::string{out.view()};
}

std::string schema(const wire::Column& of, const SourceTypes& types = {}) {
  const auto codec = column_codec(of, {}, types, utf8);
  return codec ? codec->schema.json(true, "\"c\"") : "no form";
}

constexpr std::uint32_t user_type = 20000;

TEST(ColumnCodec, KnowsNoTypeThatNobodyExplains) {
  EXPECT_EQ(json(column(user_type), "x"), "no form");
  EXPECT_EQ(json(column(user_type), "x", {{user_type, {.kind = 'c', .name = "pair"}}}), "no form");
  EXPECT_EQ(json(column(user_type), "x", {{user_type, {.kind = 'b', .name = "geometry"}}}), "no form");
}

TEST(ColumnCodec, WritesWhatTravelsAsTextAsText) {
  auto text = column(user_type);
  text.format = wire::ValueFormat::text;
  EXPECT_EQ(json(text, "POINT(1 2)"), "\"POINT(1 2)\"");
  EXPECT_EQ(schema(text), R"({"type":"string","optional":true,"field":"c"})");
}

TEST(ColumnCodec, LooksIntoDomains) {
  // A domain over numeric(5, 2): the typmod is inside.
  const SourceTypes types{
      {user_type, {.kind = 'd', .base_oid = oid::numeric, .base_typmod = (5 << 16 | 2) + 4, .name = "percentage"}}};
  auto domain = column(user_type, -1, 'd');
  domain.base_oid = oid::numeric;
  const auto one_and_a_half = test::Bytes{}.u16(2).u16(0).u16(0).u16(2).u16(1).u16(5000).data();
  EXPECT_EQ(json(domain, one_and_a_half, types), R"("AJY=")");
  // Of an array of domains only the element's type tells what it stands on.
  SourceTypes with_array = types;
  with_array[user_type + 1] = {.kind = 'b', .base_oid = user_type + 1, .element_oid = user_type, .name = "_percentage"};
  test::Bytes array;
  array.u32(1)
      .u32(0)
      .u32(user_type)
      .u32(1)
      .u32(1)
      .u32(static_cast<std::uint32_t>(one_and_a_half.size()))
      .raw(one_and_a_half);
  EXPECT_EQ(json(column(user_type + 1), array.data(), with_array), R"(["AJY="])");
}

TEST(ColumnCodec, NamesTheLabelsOfAnEnum) {
  const SourceTypes types{
      {user_type, {.kind = 'e', .base_oid = user_type, .name = "mood", .labels = {"sad", "so \"so\""}}}};
  EXPECT_EQ(json(column(user_type, -1, 'e'), "so \"so\"", types), R"("so \"so\"")");
  EXPECT_EQ(
      schema(column(user_type, -1, 'e'), types),
      R"({"type":"string","optional":true,"name":"io.debezium.data.Enum","version":1,"parameters":{"allowed":"sad,so \"so\""},"field":"c"})");
}

TEST(ColumnCodec, NestsArraysOnlyWithoutSchemas) {
  test::Bytes array;
  array.u32(2).u32(0).u32(oid::int4).u32(2).u32(1).u32(1).u32(1).u32(4).u32(7).u32(0xFFFFFFFF);
  EXPECT_EQ(json(column(1007), array.data(), {}, {.with_schema = false}), "[[7],[null]]");
  EXPECT_THROW(json(column(1007), array.data()), ConversionError);
}

TEST(ColumnCodec, RefusesAnArrayOfOtherElements) {
  const auto array = test::Bytes{}.u32(1).u32(0).u32(oid::int8).u32(1).u32(1).u32(4).u32(7).data();
  EXPECT_THROW(json(column(1007), array), wire::ProtocolError);
}

TEST(ColumnCodec, PrintsDoublesAsPostgresDoes) {
  const auto text = [](double value) {
    JsonBuffer out;
    append_plain_double(out, value);
    return std::string{out.view()};
  };
  EXPECT_EQ(text(1), "1");
  EXPECT_EQ(text(-0.0), "-0");
  EXPECT_EQ(text(123456789012345), "123456789012345");
  EXPECT_EQ(text(1e15), "1e+15");
  EXPECT_EQ(text(1234567890123456), "1.234567890123456e+15");
  EXPECT_EQ(text(0.0001), "0.0001");
  EXPECT_EQ(text(0.00001), "1e-05");
  EXPECT_EQ(text(1e100), "1e+100");
}

TEST(ColumnCodec, TakesModesByDebeziumsNames) {
  EXPECT_EQ(decimal_mode_of("double"), DecimalMode::double_precision);
  EXPECT_EQ(time_mode_of("isostring"), TimeMode::isostring);
  EXPECT_EQ(binary_mode_of("base64-url-safe"), BinaryMode::base64_url_safe);
  EXPECT_EQ(interval_mode_of("string"), IntervalMode::string);
  EXPECT_EQ(decimal_mode_of("PRECISE"), std::nullopt);
  EXPECT_EQ(time_mode_of(""), std::nullopt);
}

// Whatever the bytes are: valid JSON, or an error that is ours.
TEST(ColumnCodec, SurvivesOddBytes) {
  std::mt19937 random{1};
  std::vector<std::uint32_t> types;
  for (std::uint32_t type = 16; type < 6200; ++type) {
    if (column_codec(column(type), {}, {}, utf8)) types.push_back(type);
  }
  ASSERT_GT(types.size(), 100u);
  for (const auto type : types) {
    const auto element = oid::element_of(type);
    for (int round = 0; round < 400; ++round) {
      std::string bytes(random() % 40, '\0');
      for (auto& c : bytes) c = static_cast<char>(random() % (round % 2 == 0 ? 256 : 4));
      if (element != 0 && bytes.size() >= 20 &&
          round % 3 == 0) {  // the head of an array, so that its elements are reached
        bytes.replace(0, 20, test::Bytes{}.u32(1).u32(0).u32(element).u32(random() % 4).u32(1).data());
      }
      for (auto& c : bytes) c = static_cast<unsigned char>(c) < 0x80 || element != 0 ? c : 'x';
      try {
        const auto text = json(column(type, static_cast<std::int32_t>(random() % 8) - 1), bytes);
        // The server sends only valid UTF-8 as text; here it may be anything.
        const auto is_ascii = std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
        ASSERT_TRUE(!is_ascii || nlohmann::json::accept(text)) << type << " " << text;
      } catch (const wire::ProtocolError&) {
      } catch (const ConversionError&) {
      }
    }
  }
}

}  // namespace
}  // namespace walgate::mirror
