// values.cpp - fuzzes the way of values: out of a tuple, and into the array parameter of a statement over many rows.
//
// The input is taken for the new image of an update.  When the decoder lets it pass, its values put together are the
// tuple again, and an array of them reads back as the same values.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "check.hpp"
#include "wire/array_value.hpp"
#include "wire/decoder.hpp"
#include "wire/frame_builder.hpp"

namespace {

using walgate::fuzz::check;
using walgate::wire::RecordKind;
using walgate::wire::Value;

std::string put_together(const std::vector<Value>& values) {
  walgate::test::Bytes bytes;
  bytes.u16(static_cast<unsigned>(values.size()));
  for (const Value& value : values) {
    bytes.u32(static_cast<std::uint32_t>(value.length));
    if (value.length > 0) bytes.raw({value.data, static_cast<std::size_t>(value.length)});
  }
  return bytes.data();
}

void check_array(const std::vector<Value>& values) {
  constexpr std::uint32_t element_type = 25;
  walgate::wire::ArrayValue array;
  array.start(element_type);
  for (const Value& value : values) array.add(value);
  walgate::wire::Reader reader{array.bytes()};
  check(reader.i32() == 1, "an array has one dimension");
  reader.i32();
  check(reader.u32() == element_type, "an array has the type of its elements");
  check(reader.u32() == values.size(), "an array is as long as what was added");
  check(reader.i32() == 1, "an array begins at 1");
  for (const Value& value : values) {
    const auto length = reader.i32();
    if (value.length < 0) {
      check(length == walgate::wire::length_null, "no value is null");
    } else {
      check(length == value.length, "an element is as long as its value");
      check(reader.bytes(static_cast<std::size_t>(length)) ==
                std::string_view(value.data, static_cast<std::size_t>(length)),
            "an element has the bytes of its value");
    }
  }
  check(reader.at_end(), "an array ends with its last element");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string tuple{reinterpret_cast<const char*>(data), size};
  const auto columns = static_cast<std::size_t>(data[0]) << 8 | data[1];
  if (columns > 1600) return 0;  // no table has more
  const std::vector<std::string> names(columns, "c");
  walgate::test::FrameBuilder frame;
  frame.hello().begin(1, 1, 2).relation(1, "t", names);
  frame.record(RecordKind::update, walgate::test::Bytes{}.u32(1).u8(0).raw(tuple).data());
  walgate::wire::Decoder decoder;
  try {
    const auto decoded = decoder.decode(frame.data());
    check(decoded.changes.at(0).new_tuple == tuple, "a tuple is taken whole");
  } catch (const walgate::wire::ProtocolError&) {
    return 0;
  }
  std::vector<Value> values;
  walgate::wire::split_tuple(tuple, values);
  check(put_together(values) == tuple, "values are what the tuple holds");
  check_array(values);
  return 0;
}
