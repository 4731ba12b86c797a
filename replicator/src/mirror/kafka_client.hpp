// kafka_client.hpp - one client of librdkafka, and what it last complained about.
//
// librdkafka connects in the background and tries for ever; why it cannot (a wrong password, an unknown authority, no
// broker there) it says in a callback only.  The client keeps the last of these, so that whoever waited in vain can say
// more than that time ran out.
#pragma once

#include <memory>
#include <mutex>
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
  /// The last complaint since the last call; any thread may ask.
  [[nodiscard]] std::optional<KafkaComplaint> take_complaint();
  /// Has a broker turned us away, or is none of them there, so that waiting for an answer is in vain?
  [[nodiscard]] bool waits_in_vain();
  /// Why the first record since the last call could not be delivered, if any.
  [[nodiscard]] std::optional<KafkaComplaint> take_delivery_failure();
  /// An error for a call that ended with `code`; when time ran out, with the complaint that tells why.
  [[nodiscard]] KafkaError error(rd_kafka_resp_err_t code, std::string_view what);

 private:
  struct State {
    std::mutex mutex;
    std::optional<KafkaComplaint> complaint;
    bool all_down = false;  ///< was complained about, too
    std::optional<KafkaComplaint> delivery_failure;
  };
  static void on_error(rd_kafka_t* handle, int code, const char* reason, void* state);
  static void on_delivery(rd_kafka_t* handle, const rd_kafka_message_t* message, void* state);
  static void on_log(const rd_kafka_t* handle, int level, const char* facility, const char* text);

  std::unique_ptr<State> state_;  ///< librdkafka's threads hold its address
  KafkaHandle handle_;
};

}  // namespace walgate::mirror
