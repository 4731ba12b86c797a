// value_forms.hpp - the forms that values take in a record, one function for each; column_codec.cpp picks among them.
//
// Each reads the bytes that the type's send function wrote and appends JSON.  What they throw is said at ColumnCodec.
#pragma once

#include <string_view>
#include <type_traits>

#include "mirror/column_codec.hpp"
#include "mirror/json_buffer.hpp"
#include "mirror/time_value.hpp"
#include "wire/reader.hpp"

namespace walgate::mirror::form {

/// The only number in `bytes`.
template <typename Integer>
Integer whole(std::string_view bytes) {
  if (bytes.size() != sizeof(Integer)) throw wire::ProtocolError{"value has an odd length for its type"};
  return wire::load_big_endian<Integer>(bytes.data());
}

void append_float4(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_float8(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_boolean(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
/// xid8, which may be larger than the numbers of JSON readers, as text.
void append_quoted_unsigned(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
/// numeric of `codec.scale` decimals as Connect's Decimal.
void append_decimal(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
/// numeric without a typmod: a struct with its scale.
void append_variable_decimal(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_decimal_string(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_decimal_double(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_money(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_money_string(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_money_double(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
/// Text, json, labels of enums: whatever is sent as its text.
void append_text(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
/// jsonb, jsonpath, ltree: text behind a byte with the version of the format.
void append_versioned_text(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
/// "char": one byte, of which zero is the empty text.
void append_char(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_uuid(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
/// hstore as the text of a JSON object.
void append_hstore(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_tid(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
/// bit(1) as a truth value.
void append_one_bit(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
/// bit and varbit as a number whose lowest byte comes first, without the zero bytes behind the highest.
void append_bits(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
/// Days since 1970.
void append_date(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_date_string(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_time_string(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_timetz(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_timestamp_string(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_timestamptz(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_interval(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
void append_interval_string(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
/// x and y, and both again as well-known binary.
void append_point(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);
/// Arrays of any element that has a codec.
void append_array(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);

template <typename Integer>
void append_integer(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  out.integer(whole<Integer>(bytes));
}

/// What plain_text.hpp prints: ASCII but for the lexemes of a tsvector.
template <auto Print>
void append_printed(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes) {
  JsonBuffer text;
  if constexpr (std::is_invocable_v<decltype(Print), JsonBuffer&, std::string_view>) {
    Print(text, bytes);
  } else {
    Print(text, codec.type, bytes);
  }
  codec.text->append(out, text.view());
}

template <auto Encode>
void append_bytes(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  out.raw('"');
  Encode(out, bytes);
  out.raw('"');
}

template <TimeUnit unit>
void append_time(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  append_time_number(out, whole<std::int64_t>(bytes), unit);
}

template <TimeUnit unit>
void append_timestamp(JsonBuffer& out, const ColumnCodec& /*codec*/, std::string_view bytes) {
  append_timestamp_number(out, whole<std::int64_t>(bytes), unit);
}

}  // namespace walgate::mirror::form
