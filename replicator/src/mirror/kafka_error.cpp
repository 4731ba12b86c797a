#include "mirror/kafka_error.hpp"

namespace walgate::mirror {

KafkaError transaction_error(const KafkaFailure& failure) {
  const auto* const error = failure.get();
  auto kind = KafkaError::Kind::fatal;
  if (rd_kafka_error_is_fatal(error) != 0) {
    kind = KafkaError::Kind::fatal;
  } else if (rd_kafka_error_txn_requires_abort(error) != 0) {
    kind = KafkaError::Kind::abortable;
  } else if (rd_kafka_error_is_retriable(error) != 0) {
    kind = KafkaError::Kind::retriable;
  }
  return {kind, rd_kafka_error_code(error), rd_kafka_error_string(error)};
}

KafkaError coordinator_error(const KafkaFailure& failure) {
  const auto error = transaction_error(failure);
  const auto timed_out =
      error.code() == RD_KAFKA_RESP_ERR__TIMED_OUT || error.code() == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT;
  return timed_out ? KafkaError{KafkaError::Kind::fatal, error.code(), error.what()} : error;
}

}  // namespace walgate::mirror
