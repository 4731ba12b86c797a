// topics.hpp - the topics of a pipeline: made where they are missing, and how many partitions each has.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "mirror/kafka_admin.hpp"
#include "mirror/topic_names.hpp"
#include "mirror/topic_settings.hpp"

namespace walgate::mirror {

/// What the configuration says of one table's topic; nullopt: the table is not mirrored.
struct TableTopic {
  std::string name;
  std::uint64_t partitions = 1;
  /// Tables share it, so that a key may stand for rows of several: compacting it would lose some.
  bool is_shared = false;
};
[[nodiscard]] std::optional<TableTopic> topic_of_table(const Config& config, const QualifiedName& table);

/// The topic as the configuration wants it.
[[nodiscard]] WantedTopic wanted_topic(const Config& config, std::string name, TopicPurpose purpose,
                                       std::uint64_t partitions, std::int32_t brokers);

class Topics {
 public:
  /// `leave` ends whatever waits for the brokers.
  explicit Topics(const Config& config, const Event* leave = nullptr)
      : config_{config}, admin_{config.kafka.properties}, leave_{leave} {}

  /// Throws KafkaError.
  [[nodiscard]] const KafkaCluster& cluster();
  /// Makes the topic where it is missing; how it is then.  Throws KafkaError; Error mirror_topic_unfit where what
  /// exists would break a promise.
  const ExistingTopic& ensure(const std::string& name, TopicPurpose purpose, std::uint64_t partitions);
  /// What a topic that was asked for takes at once, in bytes: its max.message.bytes; 0 when it is not known.
  [[nodiscard]] std::uint64_t record_limit(const std::string& name) const;
  /// The least of them; 0 when none is known.
  [[nodiscard]] std::uint64_t least_record_limit() const;

 private:
  const Config& config_;
  KafkaAdmin admin_;
  const Event* leave_;
  std::optional<KafkaCluster> cluster_;
  std::map<std::string, ExistingTopic, std::less<>> known_;
};

}  // namespace walgate::mirror
