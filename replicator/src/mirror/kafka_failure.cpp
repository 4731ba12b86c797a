#include "mirror/kafka_failure.hpp"

#include <fmt/format.h>

#include "mirror/mirror_settings.hpp"

namespace walgate::mirror {

Failure failure_of(const KafkaError& error, const Config& config) {
  Failure failure{
      .name = ErrorName::kafka_unavailable, .recovery = Recovery::retry, .message = error.what(), .phase = "mirror"};
  switch (error.code()) {
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
      failure.name = ErrorName::mirror_fenced;
      failure.recovery = Recovery::stop;
      failure.message = fmt::format("another producer has taken over the transactional id \"{}\": {}",
                                    transactional_id(config), error.what());
      break;
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      failure.name = ErrorName::kafka_refused;
      failure.message =
          fmt::format("may not use the transactional id \"{}\": {}", transactional_id(config), error.what());
      break;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
      failure.name = ErrorName::kafka_refused;  // tried again: somebody may grant it
      break;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      failure.name = ErrorName::record_too_large;
      failure.recovery = Recovery::stop;
      break;
    default:
      break;
  }
  return failure;
}

}  // namespace walgate::mirror
