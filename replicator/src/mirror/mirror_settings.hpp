// mirror_settings.hpp - what the configuration's section `kafka` comes to: for librdkafka, for records, for names.
#pragma once

#include <cstdint>
#include <string>

#include "config/config.hpp"
#include "mirror/kafka_config.hpp"
#include "mirror/record.hpp"

namespace walgate::mirror {

/// Stable for the pipeline: a second producer under it shuts the first one out.
[[nodiscard]] std::string transactional_id(const Config& config);
/// What the mirror sets over the users' properties, and where they leave open what librdkafka would choose otherwise.
/// `record_limit`: a topic takes no more bytes at once; 0: not known of any.
[[nodiscard]] KafkaProperties producer_properties(const Config& config, std::uint64_t record_limit = 0);
/// How records of the pipeline look.  `database`: the source's name.
[[nodiscard]] RecordOptions record_options(const Config& config, const std::string& database);

/// The mirror's own topics; they stand beside those of the tables, under the same prefix.
[[nodiscard]] std::string progress_topic(const Config& config);
[[nodiscard]] std::string transaction_topic(const Config& config);
[[nodiscard]] std::string schemas_topic(const Config& config);

/// The slot that keeps the WAL for a mirror that is behind.
[[nodiscard]] std::string mirror_slot(const Config& config);

}  // namespace walgate::mirror
