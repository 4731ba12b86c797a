// array_value.hpp - values of one column as one binary array parameter.
//
//   array   = dimensions:i32 (1), has_null:i32, element_type:u32, size:i32, lower_bound:i32 (1), { element }
//   element = length:i32 (-1 null), bytes
//
// Source: PostgreSQL utils/adt/arrayfuncs.c, array_recv.
#pragma once

#include <cstdint>
#include <string>

#include "wire/decoder.hpp"

namespace walgate::wire {

class ArrayValue {
 public:
  explicit ArrayValue(std::uint32_t element_type) {
    number(1);
    number(1);  // "may hold nulls"; the receiver does not rely on it
    number(element_type);
    number(0);
    number(1);
  }
  void add(const Value& value) {
    ++size_;
    number(static_cast<std::uint32_t>(value.length < 0 ? -1 : value.length));
    if (value.length > 0) bytes_.append(value.data, static_cast<std::size_t>(value.length));
  }
  /// The whole parameter.
  [[nodiscard]] const std::string& bytes() {
    for (int i = 0; i < 4; ++i)
      bytes_[size_at + static_cast<std::size_t>(i)] = static_cast<char>(size_ >> (8 * (3 - i)));
    return bytes_;
  }

 private:
  static constexpr std::size_t size_at = 12;
  void number(std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes_ += static_cast<char>(value >> shift);
  }
  std::string bytes_;
  std::uint32_t size_ = 0;
};

}  // namespace walgate::wire
