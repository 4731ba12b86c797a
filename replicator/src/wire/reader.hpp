// reader.hpp - takes fields off a piece of the stream, never past its end.
//
// Integers are in network byte order (extension/PROTOCOL.md).  Views point into the bytes that were given.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "wire/big_endian.hpp"

namespace walgate::wire {

/// The stream does not follow PROTOCOL.md.  Reading on would mean guessing.
class ProtocolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The source speaks another version of the protocol.
class VersionError : public ProtocolError {
 public:
  using ProtocolError::ProtocolError;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) noexcept : rest_{bytes} {}

  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

  std::uint8_t u8() { return integer<std::uint8_t>(); }
  std::uint16_t u16() { return integer<std::uint16_t>(); }
  std::uint32_t u32() { return integer<std::uint32_t>(); }
  std::uint64_t u64() { return integer<std::uint64_t>(); }
  std::int16_t i16() { return static_cast<std::int16_t>(integer<std::uint16_t>()); }
  std::int32_t i32() { return static_cast<std::int32_t>(integer<std::uint32_t>()); }
  std::int64_t i64() { return static_cast<std::int64_t>(integer<std::uint64_t>()); }

  /// `size` bytes.  Throws ProtocolError when fewer are left.
  std::string_view bytes(std::size_t size) {
    if (size > rest_.size()) throw ProtocolError{"record is shorter than its fields"};
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  /// A string with its length in front.
  std::string_view string() { return bytes(u16()); }
  /// Throws ProtocolError unless everything has been read.
  void expect_end() const {
    if (!rest_.empty()) throw ProtocolError{"record is longer than its fields"};
  }

 private:
  template <typename Integer>
  Integer integer() {
    return load_big_endian<Integer>(bytes(sizeof(Integer)).data());
  }

  std::string_view rest_;
};

}  // namespace walgate::wire
