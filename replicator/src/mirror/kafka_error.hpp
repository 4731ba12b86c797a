// kafka_error.hpp - what Kafka or librdkafka refused, split by what the caller can do next.
#pragma once

#include <stdexcept>
#include <string>

#include "mirror/librdkafka.hpp"

namespace walgate::mirror {

class KafkaError : public std::runtime_error {
 public:
  enum class Kind {
    retriable,  ///< the same call may succeed later
    abortable,  ///< the transaction must be aborted; the producer lives on
    fatal  ///< the producer must be destroyed; whether its last transaction is committed, only the progress topic tells
  };

  KafkaError(Kind kind, rd_kafka_resp_err_t code, const std::string& message)
      : std::runtime_error{message}, kind_{kind}, code_{code} {}

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] rd_kafka_resp_err_t code() const noexcept { return code_; }
  /// The code's name in librdkafka: "_FENCED", "TOPIC_AUTHORIZATION_FAILED".
  [[nodiscard]] std::string code_name() const { return rd_kafka_err2name(code_); }

 private:
  Kind kind_;
  rd_kafka_resp_err_t code_;
};

/// The error of a call that belongs to a transaction.  The order of the questions is librdkafka's: fatal, to be
/// aborted, to be tried again, and everything else is fatal.
[[nodiscard]] KafkaError transaction_error(const KafkaFailure& failure);

/// The error of a call that waits for the coordinator and may have reached it: as `transaction_error`, but one that
/// timed out is fatal.  With the transaction protocol that librdkafka speaks, a late request could hit the next
/// transaction of the same producer; a new producer gets an epoch of its own, which shuts the late request out.
[[nodiscard]] KafkaError coordinator_error(const KafkaFailure& failure);

}  // namespace walgate::mirror
