// array_value.hpp - values of one column as one binary array parameter.
//
//   array   = dimensions:i32 (1), has_null:i32, element_type:u32, size:i32, lower_bound:i32 (1), { element }
//   element = length:i32 (-1 null), bytes
//
// Source: PostgreSQL utils/adt/arrayfuncs.c, array_recv.
#pragma once

#include <cstdint>
#include <vector>

#include "wire/big_endian.hpp"
#include "wire/decoder.hpp"

namespace walgate::wire {

class ArrayValue {
 public:
  /// Forgets all elements; the memory stays within bounds.
  void start(std::uint32_t element_type) {
    if (bytes_.capacity() > most_bytes_kept) bytes_ = {};
    bytes_.assign(header_size, 0);
    size_ = 0;
    store_big_endian<std::uint32_t>(&bytes_[0], 1);
    store_big_endian<std::uint32_t>(&bytes_[4], 1);  // "may hold nulls"; the receiver does not rely on it
    store_big_endian<std::uint32_t>(&bytes_[8], element_type);
    store_big_endian<std::uint32_t>(&bytes_[16], 1);
  }
  void add(const Value& value) {
    ++size_;
    const auto length = value.length < 0 ? length_null : value.length;
    const auto at = bytes_.size();
    bytes_.resize(at + 4 + static_cast<std::size_t>(length < 0 ? 0 : length));
    store_big_endian(&bytes_[at], length);
    if (length > 0) std::memcpy(&bytes_[at + 4], value.data, static_cast<std::size_t>(length));
  }
  /// The whole parameter.
  [[nodiscard]] std::string_view bytes() noexcept {
    store_big_endian(&bytes_[12], size_);
    return {bytes_.data(), bytes_.size()};
  }

 private:
  static constexpr std::size_t header_size = 20;
  static constexpr std::size_t most_bytes_kept = 4 * 1024 * 1024;
  std::vector<char> bytes_;
  std::uint32_t size_ = 0;
};

}  // namespace walgate::wire
