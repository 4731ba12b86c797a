// frame_builder.hpp - frames as the plugin would write them, and frames as it never would.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "walgate/wire_format.hpp"

namespace walgate::test {

/// Appends fields in network byte order.
class Bytes {
 public:
  Bytes& u8(unsigned value) { return number(value, 1); }
  Bytes& u16(unsigned value) { return number(value, 2); }
  Bytes& u32(std::uint64_t value) { return number(value, 4); }
  Bytes& u64(std::uint64_t value) { return number(value, 8); }
  Bytes& raw(std::string_view text) {
    data_.append(text);
    return *this;
  }
  Bytes& string(std::string_view text) { return u16(static_cast<unsigned>(text.size())).raw(text); }
  [[nodiscard]] const std::string& data() const { return data_; }

 private:
  Bytes& number(std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) data_ += static_cast<char>(value >> shift);
    return *this;
  }
  std::string data_;
};

/// A value of a tuple: text, null, or unchanged.
struct Field {
  std::optional<std::string> text;
  bool unchanged = false;
  Field(const char* value) : text{value} {}  // NOLINT: reads as a literal in tests
  Field(std::nullopt_t) {}                   // NOLINT
  static Field unchanged_toast() {
    Field field{std::nullopt};
    field.unchanged = true;
    return field;
  }
};

inline std::string tuple(const std::vector<Field>& fields) {
  Bytes bytes;
  bytes.u16(static_cast<unsigned>(fields.size()));
  for (const auto& field : fields) {
    if (field.unchanged) {
      bytes.u32(0xFFFFFFFE);
    } else if (!field.text) {
      bytes.u32(0xFFFFFFFF);
    } else {
      bytes.u32(field.text->size()).raw(*field.text);
    }
  }
  return bytes.data();
}

/// A frame under construction: each call appends one record.
class FrameBuilder {
 public:
  FrameBuilder& record(wire::RecordKind kind, const std::string& body) {
    frame_.u8(static_cast<unsigned>(kind)).u32(body.size()).raw(body);
    return *this;
  }
  FrameBuilder& hello(unsigned version = wire::protocol_version) {
    return record(wire::RecordKind::hello, Bytes{}
                                               .raw({wire::hello_magic, sizeof wire::hello_magic})
                                               .u16(version)
                                               .u32(150020)
                                               .string("1.0")
                                               .string("UTF8")
                                               .data());
  }
  FrameBuilder& begin(std::uint32_t xid, std::uint64_t final_lsn, std::uint64_t end_lsn) {
    changes_ = 0;
    return record(wire::RecordKind::begin, Bytes{}.u32(xid).u64(final_lsn).u64(end_lsn).u64(0).data());
  }
  /// Relation `id` with text columns; those in `keys` are part of the identity.
  FrameBuilder& relation(std::uint32_t id, std::string_view name, const std::vector<std::string>& columns,
                         const std::vector<std::string>& keys = {}, char identity = 'd') {
    Bytes body;
    body.u32(id).u32(1).u32(16000 + id).u8('r').u8(static_cast<unsigned char>(identity)).string("public").string(name);
    body.u16(static_cast<unsigned>(columns.size()));
    unsigned number = 0;
    for (const auto& column : columns) {
      const bool key = std::find(keys.begin(), keys.end(), column) != keys.end();
      body.u8(key ? 1 : 0)
          .u8('b')
          .u8('b')
          .u16(++number)
          .u32(25)
          .u32(25)
          .u32(0xFFFFFFFF)
          .string(column)
          .string("pg_catalog")
          .string("text");
    }
    return record(wire::RecordKind::relation, body.data());
  }
  FrameBuilder& insert(std::uint32_t id, const std::vector<Field>& fields) {
    ++changes_;
    return record(wire::RecordKind::insert, Bytes{}.u32(id).raw(tuple(fields)).data());
  }
  FrameBuilder& update(std::uint32_t id, const std::vector<Field>& fields, unsigned flags = 0) {
    ++changes_;
    return record(wire::RecordKind::update, Bytes{}.u32(id).u8(flags).raw(tuple(fields)).data());
  }
  FrameBuilder& update(std::uint32_t id, const std::vector<Field>& old_key, const std::vector<Field>& fields) {
    ++changes_;
    return record(wire::RecordKind::update, Bytes{}.u32(id).u8(1).raw(tuple(old_key)).raw(tuple(fields)).data());
  }
  FrameBuilder& remove(std::uint32_t id, const std::vector<Field>& key) {
    ++changes_;
    return record(wire::RecordKind::delete_, Bytes{}.u32(id).u8(1).raw(tuple(key)).data());
  }
  FrameBuilder& remove_without_address(std::uint32_t id) {
    ++changes_;
    return record(wire::RecordKind::delete_, Bytes{}.u32(id).u8(0).data());
  }
  /// `partitions` are pairs of schema and name.
  FrameBuilder& truncate(unsigned flags, const std::vector<std::uint32_t>& ids,
                         const std::vector<std::pair<std::string, std::string>>& partitions = {}) {
    ++changes_;
    Bytes body;
    body.u8(flags).u16(static_cast<unsigned>(ids.size()));
    for (const auto id : ids) body.u32(id);
    for (const auto& [schema, name] : partitions) body.string(schema).string(name);
    return record(wire::RecordKind::truncate, body.data());
  }
  FrameBuilder& rewrite(std::uint32_t id) { return record(wire::RecordKind::rewrite, Bytes{}.u32(id).data()); }
  FrameBuilder& message(bool transactional, std::string_view prefix, std::string_view content) {
    return record(wire::RecordKind::message,
                  Bytes{}.u8(transactional ? 1 : 0).u64(7).string(prefix).u32(content.size()).raw(content).data());
  }
  FrameBuilder& commit(std::uint64_t final_lsn, std::uint64_t end_lsn) { return commit(final_lsn, end_lsn, changes_); }
  FrameBuilder& commit(std::uint64_t final_lsn, std::uint64_t end_lsn, std::uint64_t changes) {
    return record(wire::RecordKind::commit, Bytes{}.u64(final_lsn).u64(end_lsn).u64(changes).data());
  }
  [[nodiscard]] const std::string& data() const { return frame_.data(); }

 private:
  Bytes frame_;
  std::uint64_t changes_ = 0;
};

}  // namespace walgate::test
