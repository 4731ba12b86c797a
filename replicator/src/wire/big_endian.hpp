// big_endian.hpp - integers in network byte order.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace walgate::wire {

/// The integer at `bytes`, of which sizeof(Integer) must be there.
template <typename Integer>
[[nodiscard]] inline Integer load_big_endian(const char* bytes) noexcept {
  static_assert(std::endian::native == std::endian::little);
  Integer value;
  std::memcpy(&value, bytes, sizeof value);
  if constexpr (sizeof value == 8) return static_cast<Integer>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
  if constexpr (sizeof value == 4) return static_cast<Integer>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  if constexpr (sizeof value == 2) return static_cast<Integer>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
  return value;
}

/// Writes the integer to `bytes`, which must have room for it.
template <typename Integer>
inline void store_big_endian(char* bytes, Integer value) noexcept {
  const auto turned = load_big_endian<Integer>(reinterpret_cast<const char*>(&value));
  std::memcpy(bytes, &turned, sizeof turned);
}

}  // namespace walgate::wire
