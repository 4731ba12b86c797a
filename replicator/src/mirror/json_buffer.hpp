// json_buffer.hpp - JSON text, appended piece by piece to memory that is used again for the next record.
//
// A writer, not a document: who appends sees to commas and braces.  Numbers are written so that the same number is read
// back.  NaN and the infinities, which JSON lacks, become strings, as Kafka Connect's JSON converter writes them.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace walgate::mirror {

class JsonBuffer {
 public:
  /// Forgets the text; the memory stays, within bounds.
  void clear() noexcept;
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.get(), used_}; }
  [[nodiscard]] std::size_t size() const noexcept { return used_; }
  /// Takes back everything after the first `size` bytes.
  void cut(std::size_t size) noexcept { used_ = size; }

  /// JSON text as it is.
  void raw(std::string_view text) {
    std::memcpy(room(text.size()), text.data(), text.size());
    used_ += text.size();
  }
  void raw(char c) {
    *room(1) = c;
    ++used_;
  }
  void integer(std::int64_t value) {
    auto* at = room(longest_number);
    used_ += static_cast<std::size_t>(std::to_chars(at, at + longest_number, value).ptr - at);
  }
  void unsigned_integer(std::uint64_t value) {
    auto* at = room(longest_number);
    used_ += static_cast<std::size_t>(std::to_chars(at, at + longest_number, value).ptr - at);
  }
  void number(double value);
  void number(float value);
  void boolean(bool value) { raw(value ? std::string_view{"true"} : std::string_view{"false"}); }
  void null() { raw("null"); }
  /// A quoted string.  `utf8` must be valid UTF-8.
  void string(std::string_view utf8) {
    raw('"');
    escaped(utf8);
    raw('"');
  }
  /// The inside of a quoted string.
  void escaped(std::string_view utf8);

  /// At least `size` free bytes behind the text; what was written to them is added with `took`.
  [[nodiscard]] char* room(std::size_t size) {
    if (capacity_ - used_ < size) grow(size);
    return bytes_.get() + used_;
  }
  void took(std::size_t size) noexcept { used_ += size; }

 private:
  static constexpr std::size_t longest_number = 32;
  void grow(std::size_t size);

  std::unique_ptr<char[]> bytes_;
  std::size_t used_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace walgate::mirror
