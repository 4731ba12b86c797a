// partition_test.cpp - hashes and partitions, against what Kafka's Java client computed
// (tests/kafka/java/Partitions.java).

#include "mirror/partition.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>

namespace walgate::mirror {
namespace {

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
  return bytes;
}

TEST(Partition, IsThatOfTheJavaClient) {
  std::ifstream file{WALGATE_SOURCE_DIR "/tests/kafka/expected/partitions.tsv"};
  ASSERT_TRUE(file);
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const auto tab = line.find('\t');
    const auto key = from_hex(line.substr(0, tab));
    std::istringstream numbers{line.substr(tab)};
    std::int32_t hash = 0;
    numbers >> hash;
    EXPECT_EQ(static_cast<std::int32_t>(murmur2(key)), hash) << line;
    for (const std::int32_t partitions : {1, 2, 3, 12, 100, 65537}) {
      std::int32_t expected = -1;
      numbers >> expected;
      EXPECT_EQ(partition_of(key, partitions), expected) << line;
    }
  }
  EXPECT_GT(lines, 200);
}

}  // namespace
}  // namespace walgate::mirror
