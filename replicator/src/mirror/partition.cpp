// Source: org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner.partitionForKey of Kafka 4.3.
#include "mirror/partition.hpp"

#include <bit>
#include <cassert>
#include <cstring>

namespace walgate::mirror {

std::uint32_t murmur2(std::string_view bytes) noexcept {
  static_assert(std::endian::native == std::endian::little);
  constexpr std::uint32_t factor = 0x5bd1e995;
  constexpr std::uint32_t seed = 0x9747b28c;
  auto hash = seed ^ static_cast<std::uint32_t>(bytes.size());
  const auto whole = bytes.size() / 4 * 4;
  for (std::size_t at = 0; at < whole; at += 4) {
    std::uint32_t word;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    word *= factor;
    word ^= word >> 24;
    word *= factor;
    hash *= factor;
    hash ^= word;
  }
  if (whole < bytes.size()) {
    for (auto at = bytes.size(); at-- > whole;) {
      hash ^= std::uint32_t{static_cast<unsigned char>(bytes[at])} << (8 * (at - whole));
    }
    hash *= factor;
  }
  hash ^= hash >> 13;
  hash *= factor;
  hash ^= hash >> 15;
  return hash;
}

std::int32_t partition_of(std::string_view key, std::int32_t partitions) noexcept {
  assert(partitions > 0);
  return static_cast<std::int32_t>(murmur2(key) & 0x7fffffff) % partitions;
}

}  // namespace walgate::mirror
