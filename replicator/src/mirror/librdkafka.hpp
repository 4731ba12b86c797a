// librdkafka.hpp - librdkafka's handles in owners that release them.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>

namespace walgate::mirror {

/// Calls the library's own release function.
template <auto Release>
struct KafkaReleaser {
  void operator()(auto* handle) const noexcept { Release(handle); }
};

using KafkaHandle = std::unique_ptr<rd_kafka_t, KafkaReleaser<rd_kafka_destroy>>;
using KafkaConf = std::unique_ptr<rd_kafka_conf_t, KafkaReleaser<rd_kafka_conf_destroy>>;
using KafkaTopic = std::unique_ptr<rd_kafka_topic_t, KafkaReleaser<rd_kafka_topic_destroy>>;
using KafkaFailure = std::unique_ptr<rd_kafka_error_t, KafkaReleaser<rd_kafka_error_destroy>>;
using KafkaQueue = std::unique_ptr<rd_kafka_queue_t, KafkaReleaser<rd_kafka_queue_destroy>>;
using KafkaEvent = std::unique_ptr<rd_kafka_event_t, KafkaReleaser<rd_kafka_event_destroy>>;
using KafkaMessage = std::unique_ptr<rd_kafka_message_t, KafkaReleaser<rd_kafka_message_destroy>>;
using KafkaHeaders = std::unique_ptr<rd_kafka_headers_t, KafkaReleaser<rd_kafka_headers_destroy>>;
using KafkaMetadata = std::unique_ptr<const rd_kafka_metadata_t, KafkaReleaser<rd_kafka_metadata_destroy>>;
using KafkaPartitions =
    std::unique_ptr<rd_kafka_topic_partition_list_t, KafkaReleaser<rd_kafka_topic_partition_list_destroy>>;
using KafkaNewTopic = std::unique_ptr<rd_kafka_NewTopic_t, KafkaReleaser<rd_kafka_NewTopic_destroy>>;
using KafkaConfigResource = std::unique_ptr<rd_kafka_ConfigResource_t, KafkaReleaser<rd_kafka_ConfigResource_destroy>>;
using KafkaAdminOptions = std::unique_ptr<rd_kafka_AdminOptions_t, KafkaReleaser<rd_kafka_AdminOptions_destroy>>;

}  // namespace walgate::mirror
