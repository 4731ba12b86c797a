#include "mirror/value_forms.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <string>

#include "mirror/conversion_error.hpp"
#include "mirror/encodings.hpp"
#include "mirror/numeric_value.hpp"

namespace walgate::mirror::form {

using wire::ProtocolError;
using wire::Reader;

namespace {

[[noreturn]] void refuse_not_finite() {
  throw ConversionError{"NaN and infinities have no form in decimal.handling.mode precise; string and double have one"};
}

std::string plain_money(const ColumnCodec& codec, std::string_view bytes) {
  const auto value = whole<std::int64_t>(bytes);
  auto digits = fmt::format(
      "{:0{}}", value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value), codec.scale + 1);
  if (codec.scale > 0) digits.insert(digits.size() - static_cast<std::size_t>(codec.scale), 1, '.');
  return value < 0 ? "-" + digits : digits;
}

/// bit and varbit: size:i32, bytes whose first bit is the string's first.
struct BitString {
  std::int32_t size;
  std::string_view bytes;
  explicit BitString(std::string_view value) {
    Reader reader{value};
    size = reader.i32();
    if (size < 0) throw ProtocolError{"bit string has a negative length"};
    bytes = reader.bytes((static_cast<std::size_t>(size) + 7) / 8);
    reader.expect_end();
  }
  /// The bit that is `index` before the last one.
  [[nodiscard]] bool from_end(std::int32_t index) const {
    const auto at = static_cast<std::size_t>(size - 1 - index);
    return (static_cast<unsigned char>(bytes[at / 8]) >> (7 - at % 8) & 1u) != 0;
  }
};

IntervalValue interval_of(std::string_view bytes) {
  Reader reader{bytes};
  IntervalValue value{};
  value.microseconds = reader.i64();
  value.days = reader.i32();
  value.months = reader.i32();
  reader.expect_end();
  return value;
}

void append_dimension(JsonBuffer& out, const ColumnCodec& codec, Reader& reader, const std::uint32_t* sizes,
                      int dimensions) {
  out.raw('[');
  for (std::uint32_t i = 0; i < sizes[0]; ++i) {
    if (i > 0) out.raw(',');
    if (dimensions > 1) {
      append_dimension(out, codec, reader, sizes + 1, dimensions - 1);
    } else if (const auto length = reader.i32(); length >= 0) {
      codec.element->append(out, *codec.element, reader.bytes(static_cast<std::size_t>(length)));
    } else {
      out.null();
    }
  }
  out.raw(']');
}

}  // namespace

// Numbers

void append_float4(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  out.number(std::bit_cast<float>(whole<std::uint32_t>(bytes)));
}
void append_float8(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  out.number(std::bit_cast<double>(whole<std::uint64_t>(bytes)));
}
void append_boolean(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  out.boolean(whole<std::uint8_t>(bytes) != 0);
}
void append_quoted_unsigned(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  out.raw('"');
  out.unsigned_integer(whole<std::uint64_t>(bytes));
  out.raw('"');
}

void append_decimal(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes) {
  const NumericValue value{bytes};
  if (value.kind() != NumericValue::Kind::finite) refuse_not_finite();
  out.raw('"');
  value.append_unscaled(out, codec.scale);
  out.raw('"');
}
void append_variable_decimal(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  const NumericValue value{bytes};
  if (value.kind() != NumericValue::Kind::finite) refuse_not_finite();
  const auto scale = value.least_scale();
  out.raw(R"({"scale":)");
  out.integer(scale);
  out.raw(R"(,"value":")");
  value.append_unscaled(out, scale);
  out.raw(R"("})");
}
void append_decimal_string(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  const NumericValue value{bytes};
  switch (value.kind()) {
    case NumericValue::Kind::finite:
      out.raw('"');
      value.append_plain(out);
      out.raw('"');
      break;
    case NumericValue::Kind::not_a_number:
      out.raw(R"("NAN")");
      break;
    case NumericValue::Kind::positive_infinity:
      out.raw(R"("POSITIVE_INFINITY")");
      break;
    case NumericValue::Kind::negative_infinity:
      out.raw(R"("NEGATIVE_INFINITY")");
      break;
  }
}
void append_decimal_double(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  const NumericValue value{bytes};
  switch (value.kind()) {
    case NumericValue::Kind::finite:
      return out.number(value.as_double());
    case NumericValue::Kind::not_a_number:
      return out.raw(R"("NaN")");
    case NumericValue::Kind::positive_infinity:
      return out.raw(R"("Infinity")");
    case NumericValue::Kind::negative_infinity:
      return out.raw(R"("-Infinity")");
  }
}

void append_money(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  out.raw('"');
  append_unscaled(out, whole<std::int64_t>(bytes));
  out.raw('"');
}
void append_money_string(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes) {
  out.string(plain_money(codec, bytes));
}
void append_money_double(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes) {
  const auto text = plain_money(codec, bytes);
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  out.number(value);
}

// Texts

void append_text(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes) {
  codec.text->append(out, bytes);
}
void append_versioned_text(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes) {
  if (bytes.empty() || bytes[0] != 1) throw ProtocolError{"value has an unknown version of its format"};
  codec.text->append(out, bytes.substr(1));
}
void append_char(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  const auto byte = whole<std::uint8_t>(bytes);
  if (byte >= 0x80) return out.string(fmt::format("\\{:03o}", byte));  // as PostgreSQL prints it
  out.string(byte == 0 ? std::string_view{} : bytes);
}
void append_uuid(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  if (bytes.size() != 16) throw ProtocolError{"uuid has an odd length"};
  out.raw('"');
  std::size_t at = 0;
  for (const std::size_t size : {4u, 2u, 2u, 2u, 6u}) {
    if (at > 0) out.raw('-');
    append_hex(out, bytes.substr(at, size));
    at += size;
  }
  out.raw('"');
}
void append_hstore(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes) {
  Reader reader{bytes};
  JsonBuffer object;
  object.raw('{');
  const auto count = reader.i32();
  for (std::int32_t i = 0; i < count; ++i) {
    if (i > 0) object.raw(',');
    codec.text->append(object, reader.bytes(reader.u32()));
    object.raw(':');
    if (const auto length = reader.i32(); length >= 0) {
      codec.text->append(object, reader.bytes(static_cast<std::size_t>(length)));
    } else {
      object.null();
    }
  }
  reader.expect_end();
  object.raw('}');
  out.string(object.view());
}
void append_tid(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  Reader reader{bytes};
  const auto block = reader.u32();
  out.raw(fmt::format("\"({},{})\"", block, reader.u16()));
  reader.expect_end();
}

// Bytes

void append_one_bit(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  const BitString bits{bytes};
  out.boolean(bits.size > 0 && bits.from_end(0));
}
void append_bits(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  const BitString bits{bytes};
  std::string number(bits.bytes.size(), '\0');
  for (std::int32_t i = 0; i < bits.size; ++i) {
    if (bits.from_end(i)) {
      auto& byte = number[static_cast<std::size_t>(i) / 8];
      byte = static_cast<char>(static_cast<unsigned char>(byte) | 1u << static_cast<unsigned>(i % 8));
    }
  }
  number.resize(number.find_last_not_of('\0') + 1);
  append_bytes<append_base64>(out, {}, number);
}

// Times

void append_date(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  out.integer(epoch_days(whole<std::int32_t>(bytes)));
}
void append_date_string(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  out.raw('"');
  append_iso_date(out, whole<std::int32_t>(bytes));
  out.raw('"');
}
void append_time_string(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  out.raw('"');
  append_iso_time(out, whole<std::int64_t>(bytes));
  out.raw('"');
}
void append_timetz(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  Reader reader{bytes};
  const auto time = reader.i64();
  const auto zone = reader.i32();
  reader.expect_end();
  out.raw('"');
  append_zoned_time(out, time, zone);
  out.raw('"');
}
void append_timestamp_string(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  out.raw('"');
  append_iso_timestamp(out, whole<std::int64_t>(bytes));
  out.raw('"');
}
void append_timestamptz(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes) {
  out.raw('"');
  append_zoned_timestamp(out, whole<std::int64_t>(bytes), codec.scale);
  out.raw('"');
}
void append_interval(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  append_interval_number(out, interval_of(bytes));
}
void append_interval_string(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  out.raw('"');
  append_interval_text(out, interval_of(bytes));
  out.raw('"');
}

// Structures

void append_point(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  Reader reader{bytes};
  const auto x = reader.u64();
  const auto y = reader.u64();
  reader.expect_end();
  char binary[21] = {1, 1, 0, 0, 0};  // little-endian, a point
  std::memcpy(binary + 5, &x, sizeof x);
  std::memcpy(binary + 13, &y, sizeof y);
  out.raw(R"({"x":)");
  out.number(std::bit_cast<double>(x));
  out.raw(R"(,"y":)");
  out.number(std::bit_cast<double>(y));
  out.raw(R"(,"wkb":")");
  append_base64(out, {binary, sizeof binary});
  out.raw(R"(","srid":null})");
}

void append_array(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes) {
  constexpr int most_dimensions = 6;
  Reader reader{bytes};
  const auto dimensions = reader.i32();
  reader.i32();
  const auto element = reader.u32();
  if (dimensions < 0 || dimensions > most_dimensions) throw ProtocolError{"array has an odd number of dimensions"};
  if (element != codec.type) throw ProtocolError{"array has elements of another type than its column"};
  if (dimensions > 1 && !codec.may_nest) {
    throw ConversionError{
        "the array has several dimensions, which the schema in the record cannot describe; without schemas it is "
        "written"};
  }
  std::array<std::uint32_t, most_dimensions> sizes{};
  for (int i = 0; i < dimensions; ++i) {
    auto& size = sizes[static_cast<std::size_t>(i)];
    size = reader.u32();
    reader.i32();
    // Each element takes at least the four bytes of its length.
    if (size == 0 || size > bytes.size() / 4) throw ProtocolError{"array has an odd size"};
  }
  if (dimensions == 0) {
    out.raw("[]");
  } else {
    append_dimension(out, codec, reader, sizes.data(), dimensions);
  }
  reader.expect_end();
}

}  // namespace walgate::mirror::form
