// kafka_failure.hpp - what Kafka refused, under our own names.
#pragma once

#include "config/config.hpp"
#include "errors/error.hpp"
#include "mirror/kafka_error.hpp"

namespace walgate::mirror {

/// kafka_unavailable and kafka_refused may pass by themselves; mirror_fenced and record_too_large do not.
[[nodiscard]] Failure failure_of(const KafkaError& error, const Config& config);

}  // namespace walgate::mirror
