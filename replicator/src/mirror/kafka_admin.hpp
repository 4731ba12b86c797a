// kafka_admin.hpp - what a Kafka cluster is and has, and topics made with exactly the settings that are wanted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mirror/kafka_client.hpp"
#include "mirror/patience.hpp"
#include "mirror/topic_settings.hpp"

namespace walgate::mirror {

struct KafkaCluster {
  std::string id;  ///< made when the cluster was formatted: another one is another cluster
  std::int32_t brokers = 0;
};

class KafkaAdmin {
 public:
  explicit KafkaAdmin(const KafkaProperties& properties);

  // Each throws KafkaError when no answer came in time, or a refusal.

  [[nodiscard]] KafkaCluster cluster(const Patience& patience);
  /// The topics with all of their settings, in the order of the names; nullopt for one that does not exist.
  [[nodiscard]] std::vector<std::optional<ExistingTopic>> describe(std::span<const std::string> names,
                                                                   const Patience& patience);
  /// Of all topics that we may see.
  [[nodiscard]] std::vector<std::string> names(const Patience& patience);
  /// Makes one topic.  One that exists already is an error with the code TOPIC_ALREADY_EXISTS.
  void create(const WantedTopic& topic, const Patience& patience);

 private:
  [[nodiscard]] KafkaEvent wait(const KafkaQueue& queue, std::string_view what, const Patience& patience);
  [[nodiscard]] KafkaAdminOptions options(rd_kafka_admin_op_t operation, const Patience& patience);
  [[nodiscard]] KafkaMetadata topics(const Patience& patience);
  void read_settings(std::vector<std::optional<ExistingTopic>>& topics, const Patience& patience);

  KafkaClient client_;
};

}  // namespace walgate::mirror
