// record_buffer.hpp - the bytes of records that wait to be written as one frame.
//
// The server reports an error by a long jump, which may leave a record half written; under a concurrent
// abort it then goes on decoding.  The buffer therefore remembers where its last whole record ended, and
// each callback begins by cutting off what lies behind.
#pragma once

#include <bit>

#include "pg_compat.hpp"
#include "walgate/wire_format.hpp"

namespace walgate {

class RecordBuffer {
 public:
  /// Allocates under `context`, which outlives the buffer.
  void open(MemoryContext context) {
    capacity_ = initial_capacity;
    data_ = static_cast<char*>(MemoryContextAlloc(context, capacity_));
    size_ = whole_ = 0;
  }

  /// Starts a record; end_record() closes it.  Records do not nest.
  void begin_record(wire::RecordKind kind) {
    append_u8(static_cast<std::uint8_t>(kind));
    append_u32(0);
  }
  void end_record() {
    const std::size_t body = size_ - whole_ - wire::record_header_bytes;
    store(data_ + whole_ + 1, static_cast<std::uint32_t>(body));
    whole_ = size_;
  }

  /// Cuts off a record that was not ended.
  void discard_partial() { size_ = whole_; }
  /// Forgets everything, and gives back what one long record needed.
  void clear() {
    size_ = whole_ = 0;
    if (capacity_ > keep_capacity) {
      data_ = static_cast<char*>(repalloc(data_, initial_capacity));
      capacity_ = initial_capacity;
    }
  }

  void append_u8(std::uint8_t value) { *claim(1) = static_cast<char>(value); }
  void append_u16(std::uint16_t value) { store(claim(sizeof value), value); }
  void append_u32(std::uint32_t value) { store(claim(sizeof value), value); }
  void append_u64(std::uint64_t value) { store(claim(sizeof value), value); }
  void append_bytes(const void* bytes, std::size_t count) { std::memcpy(claim(count), bytes, count); }
  /// length:u16 and the bytes.  The texts that travel so are names and prefixes.
  void append_string(std::string_view text) {
    if (text.size() > UINT16_MAX)
      ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                      errmsg("text of %zu bytes does not fit the stream", text.size())));
    append_u16(static_cast<std::uint16_t>(text.size()));
    append_bytes(text.data(), text.size());
  }
  /// length:i32 and the number itself, as the send functions of the fixed-width types write it.
  template <typename Unsigned>
  void append_sized(Unsigned value) {
    char* to = claim(sizeof(std::uint32_t) + sizeof value);
    store(to, static_cast<std::uint32_t>(sizeof value));
    store(to + sizeof(std::uint32_t), value);
  }
  /// length:i32 and the bytes.
  void append_sized_bytes(const void* bytes, std::size_t count) {
    char* to = claim(sizeof(std::uint32_t) + count);
    store(to, static_cast<std::uint32_t>(count));
    std::memcpy(to + sizeof(std::uint32_t), bytes, count);
  }

  [[nodiscard]] const char* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t initial_capacity = 2 * wire::frame_bytes;
  static constexpr std::size_t keep_capacity = 1024 * 1024;
  // The server's own output buffer cannot take more, with room for the header of its message.
  static constexpr std::size_t limit = MaxAllocSize - 1024;

  template <typename Unsigned>
  static void store(char* to, Unsigned value) {
    static_assert(std::is_unsigned_v<Unsigned>);
    if constexpr (std::endian::native == std::endian::little && sizeof value > 1) {
      if constexpr (sizeof value == 2) value = __builtin_bswap16(value);
      if constexpr (sizeof value == 4) value = __builtin_bswap32(value);
      if constexpr (sizeof value == 8) value = __builtin_bswap64(value);
    }
    std::memcpy(to, &value, sizeof value);
  }

  char* claim(std::size_t count) {
    if (count > capacity_ - size_) grow(count);
    char* at = data_ + size_;
    size_ += count;
    return at;
  }

  void grow(std::size_t count) {
    if (count > limit - size_)
      ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("a change is too large for the stream"),
                      errdetail("Its record would be longer than %zu bytes.", limit)));
    std::size_t wanted = capacity_;
    while (wanted < size_ + count) wanted *= 2;
    if (wanted > limit) wanted = limit;
    data_ = static_cast<char*>(repalloc(data_, wanted));
    capacity_ = wanted;
  }

  char* data_;
  std::size_t size_;
  std::size_t whole_;
  std::size_t capacity_;
};

}  // namespace walgate
