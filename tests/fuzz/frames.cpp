// frames.cpp - fuzzes the decoder with the frames of one session.
//
//   input = { size:u16, frame } ;    (* the last frame may be shorter than its size *)
//
// Whatever the bytes are, the decoder reads them to their bounds or throws ProtocolError; what it gives out is whole.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "check.hpp"
#include "wire/decoder.hpp"

namespace {

using walgate::fuzz::check;
using walgate::wire::Change;
using walgate::wire::Frame;
using walgate::wire::RecordKind;

void check_tuple(std::string_view tuple, std::size_t columns) {
  if (tuple.empty()) return;
  std::vector<walgate::wire::Value> values;
  walgate::wire::split_tuple(tuple, values);
  check(values.size() == columns, "a tuple has the columns of its relation");
  for (const auto& value : values) {
    if (value.length < 0) continue;
    check(value.data >= tuple.data() && value.data + value.length <= tuple.data() + tuple.size(),
          "a value lies in its tuple");
  }
}

void check_change(const Frame& frame, const Change& change) {
  if (change.kind == RecordKind::truncate) {
    check(!frame.truncates.at(change.truncate_index).empty(), "a truncate names relations");
    return;
  }
  check(change.relation != nullptr, "a change has a relation");
  const bool old_key = (change.flags & walgate::wire::old_key) != 0;
  check_tuple(change.old_tuple, old_key ? change.relation->key_columns : change.relation->columns.size());
  check_tuple(change.new_tuple, change.relation->columns.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input{reinterpret_cast<const char*>(data), size};
  walgate::wire::Decoder decoder;
  walgate::wire::Reader reader{input};
  try {
    while (!reader.at_end()) {
      const std::size_t length = reader.u16();
      // A copy of its own, so that the sanitizer sees a step over its end.
      const std::string bytes{reader.bytes(std::min(length, reader.rest().size()))};
      const bool was_open = decoder.open_transaction().has_value();
      const Frame frame = decoder.decode(bytes);
      check(was_open || frame.begin || frame.changes.empty(), "changes stand in a transaction");
      check(decoder.open_transaction().has_value() == ((was_open || frame.begin) && !frame.commit),
            "a commit ends the transaction");
      for (const Change& change : frame.changes) check_change(frame, change);
      for (const auto* relation : frame.rewrites) check(relation != nullptr, "a rewrite has a relation");
    }
  } catch (const walgate::wire::ProtocolError&) {
  }
  return 0;
}
