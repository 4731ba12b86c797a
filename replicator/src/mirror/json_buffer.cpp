#include "mirror/json_buffer.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace walgate::mirror {

namespace {

constexpr std::size_t most_bytes_kept = 4 * 1024 * 1024;

/// Of each byte: 0 as it is, 'u' as \u00XX, else the letter after the backslash.
constexpr auto escapes = [] {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}();

/// Does one of eight bytes need an escape?  It tells of every one that does.
bool needs_escape(std::uint64_t bytes) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t high = 0x8080808080808080;
  const auto has_zero = [](std::uint64_t word) { return (word - ones) & ~word & high; };
  const auto control = (bytes - ones * 0x20) & ~bytes & high;
  return (control | has_zero(bytes ^ (ones * '"')) | has_zero(bytes ^ (ones * '\\'))) != 0;
}

}  // namespace

void JsonBuffer::clear() noexcept {
  used_ = 0;
  if (capacity_ > most_bytes_kept) {
    bytes_.reset();
    capacity_ = 0;
  }
}

void JsonBuffer::grow(std::size_t size) {
  const auto capacity = std::max({used_ + size, capacity_ * 2, std::size_t{1024}});
  auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
  if (used_ > 0) std::memcpy(bytes.get(), bytes_.get(), used_);
  bytes_ = std::move(bytes);
  capacity_ = capacity;
}

namespace {

template <typename Float>
void append_number(JsonBuffer& buffer, Float value) {
  if (!std::isfinite(value)) {
    buffer.raw(std::isnan(value) ? R"("NaN")" : value > 0 ? R"("Infinity")" : R"("-Infinity")");
    return;
  }
  constexpr std::size_t longest = 48;
  auto* at = buffer.room(longest);
  auto* end = std::to_chars(at, at + longest, value).ptr;
  // A whole number keeps its fraction, so that readers without a schema do not take it for an integer.
  if (std::find_if(at, end, [](char c) { return c == '.' || c == 'e'; }) == end) {
    *end++ = '.';
    *end++ = '0';
  }
  buffer.took(static_cast<std::size_t>(end - at));
}

}  // namespace

void JsonBuffer::number(double value) {
  append_number(*this, value);
}

void JsonBuffer::number(float value) {
  append_number(*this, value);
}

void JsonBuffer::escaped(std::string_view utf8) {
  const auto* from = utf8.data();
  const auto* const end = from + utf8.size();
  auto* to = room(utf8.size() + 16);
  const auto* limit = bytes_.get() + capacity_;
  while (from != end) {
    while (end - from >= 8 && limit - to >= 8) {
      std::uint64_t word;
      std::memcpy(&word, from, sizeof word);
      if (needs_escape(word)) break;
      std::memcpy(to, &word, sizeof word);
      from += 8;
      to += 8;
    }
    // Byte by byte up to the next whole word, or to the end.
    for (int i = 0; i < 8 && from != end; ++i, ++from) {
      if (limit - to < 6) {
        used_ = static_cast<std::size_t>(to - bytes_.get());
        to = room(static_cast<std::size_t>(end - from) + 64);
        limit = bytes_.get() + capacity_;
      }
      const auto c = static_cast<unsigned char>(*from);
      const auto escape = escapes[c];
      if (escape == 0) {
        *to++ = *from;
        continue;
      }
      *to++ = '\\';
      *to++ = escape;
      if (escape == 'u') {
        constexpr std::string_view digits = "0123456789abcdef";
        *to++ = '0';
        *to++ = '0';
        *to++ = digits[c >> 4u];
        *to++ = digits[c & 0xFu];
      }
    }
  }
  used_ = static_cast<std::size_t>(to - bytes_.get());
}

}  // namespace walgate::mirror
