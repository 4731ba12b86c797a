// topic_settings.hpp - topics as the configuration wants them, as the cluster has them, and what that means.
//
// The mirror makes topics itself, with explicit settings, and changes none that exist: a partition count that changed
// would send the same key to another partition, and a broker's default for one setting or another is how records get
// lost.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "errors/finding.hpp"

namespace walgate::mirror {

/// What the mirror stores in a topic; each asks for something else.
enum class TopicPurpose {
  table,         ///< of tables whose records have keys
  keyless,       ///< of a table whose records have none: it cannot be compacted
  progress,      ///< the mirror's position
  transactions,  ///< where transactions begin and end
  schemas        ///< versions of the tables' columns
};

struct WantedTopic {
  std::string name;
  TopicPurpose purpose = TopicPurpose::table;
  std::int32_t partitions = 1;
  std::int16_t replication_factor = 1;
  std::map<std::string, std::string> settings{};  ///< cleanup.policy, retention.ms, min.insync.replicas …
};

struct ExistingTopic {
  std::string name;
  std::int32_t partitions = 0;
  std::int32_t replication_factor = 0;            ///< the smallest of its partitions'
  std::map<std::string, std::string> settings{};  ///< all that hold, defaults included
};

/// Fills in what the user left open: replication factor min(3, brokers), min.insync.replicas one less, and the cleanup
/// policy that the purpose asks for.
[[nodiscard]] WantedTopic with_defaults(std::string name, TopicPurpose purpose, std::optional<std::int32_t> partitions,
                                        std::optional<std::int16_t> replication_factor,
                                        std::map<std::string, std::string> settings, std::int32_t brokers);

/// Holds what is wanted against what there is, as `walgate mirror check` tells it; `existing` has the same order as
/// `wanted`, nullopt for what is missing.
[[nodiscard]] std::vector<Finding> compare_topics(std::span<const WantedTopic> wanted,
                                                  std::span<const std::optional<ExistingTopic>> existing,
                                                  std::int32_t brokers);

}  // namespace walgate::mirror
