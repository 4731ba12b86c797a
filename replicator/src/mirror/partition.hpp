// partition.hpp - which partition a key belongs to, as Kafka's Java client decides it.
//
// Joins between topics work only where the same key lies in partitions of the same number, so the hash is the Java
// client's murmur2, over the bytes of the key as they are sent.
#pragma once

#include <cstdint>
#include <string_view>

namespace walgate::mirror {

/// The 32-bit murmur2 of the bytes, seeded as the Java client seeds it.
[[nodiscard]] std::uint32_t murmur2(std::string_view bytes) noexcept;

/// The partition of a key among `partitions`, which must be at least one.
[[nodiscard]] std::int32_t partition_of(std::string_view key, std::int32_t partitions) noexcept;

}  // namespace walgate::mirror
