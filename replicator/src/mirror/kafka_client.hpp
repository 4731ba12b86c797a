// kafka_client.hpp - one client of librdkafka, and what it last complained about.
//
// librdkafka connects in the background and tries for ever; why it cannot (a wrong password, an unknown authority, no
// broker there) it says in an event only.  The client keeps the last of these, so that whoever waited in vain can say
// more than that time ran out.  Events and not callbacks: where librdkafka has a callback for deliveries, a flush looks
// every 10 ms whether it is done, instead of waking when it is.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "mirror/kafka_config.hpp"
#include "mirror/kafka_error.hpp"
#include "mirror/librdkafka.hpp"

namespace walgate::mirror {

/// A complaint of the background threads.
struct KafkaComplaint {
  rd_kafka_resp_err_t code;
  std::string text;
};

class KafkaClient {
 public:
  /// Takes the users' properties and our own.  Throws Error configuration_invalid, also for files that cannot be read.
  KafkaClient(rd_kafka_type_t type, const KafkaProperties& properties, const KafkaProperties& own);

  [[nodiscard]] rd_kafka_t* handle() const noexcept { return handle_.get(); }
  /// Takes what librdkafka has to tell: waits for it, and not for more than there is.
  void serve(std::chrono::milliseconds timeout);
  /// The last complaint since the last call.
  [[nodiscard]] std::optional<KafkaComplaint> take_complaint();
  /// Has a broker turned us away, or is none of them there, so that waiting for an answer is in vain?
  [[nodiscard]] bool waits_in_vain();
  /// Why the first record since the last call could not be delivered, if any.
  [[nodiscard]] std::optional<KafkaComplaint> take_delivery_failure();
  /// An error for a call that ended with `code`; when time ran out, with the complaint that tells why.
  [[nodiscard]] KafkaError error(rd_kafka_resp_err_t code, std::string_view what);

 private:
  void complain(rd_kafka_resp_err_t code, const char* reason);
  void look_at_delivery(const rd_kafka_message_t& message);
  static void on_log(const rd_kafka_t* handle, int level, const char* facility, const char* text);

  KafkaHandle handle_;
  KafkaQueue events_;
  std::optional<KafkaComplaint> complaint_;
  bool all_down_ = false;  ///< was complained about, too
  std::optional<KafkaComplaint> delivery_failure_;
};

}  // namespace walgate::mirror
