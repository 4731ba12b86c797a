#include "mirror/kafka_client.hpp"

#include <fmt/format.h>

#include <utility>

#include "errors/error.hpp"
#include "observe/log.hpp"

namespace walgate::mirror {

namespace {

/// Does the complaint tell why a call got no answer, or only that nobody is there?
bool tells_why(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL ||
         code == RD_KAFKA_RESP_ERR__RESOLVE;
}

}  // namespace

KafkaClient::KafkaClient(rd_kafka_type_t type, const KafkaProperties& properties, const KafkaProperties& own) {
  auto conf = kafka_conf(properties, own);
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_ERROR | (type == RD_KAFKA_PRODUCER ? RD_KAFKA_EVENT_DR : 0));
  char reason[512] = "";
  handle_.reset(rd_kafka_new(type, conf.get(), reason, sizeof reason));
  if (!handle_) {
    throw Error{{.name = ErrorName::configuration_invalid,
                 .message = fmt::format("kafka.properties: {}", reason),
                 .phase = "mirror"}};
  }
  static_cast<void>(conf.release());  // the client has it now
  events_.reset(rd_kafka_queue_get_main(handle_.get()));
}

void KafkaClient::serve(std::chrono::milliseconds timeout) {
  for (KafkaEvent event{rd_kafka_queue_poll(events_.get(), static_cast<int>(timeout.count()))}; event;
       event.reset(rd_kafka_queue_poll(events_.get(), 0))) {
    if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR) {
      complain(rd_kafka_event_error(event.get()), rd_kafka_event_error_string(event.get()));
    }
    while (const auto* message = rd_kafka_event_message_next(event.get())) look_at_delivery(*message);
  }
}

std::optional<KafkaComplaint> KafkaClient::take_complaint() {
  all_down_ = false;
  return std::exchange(complaint_, std::nullopt);
}

bool KafkaClient::waits_in_vain() {
  serve(std::chrono::milliseconds{0});  // brings complaints
  return all_down_ || (complaint_ && (complaint_->code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
                                      complaint_->code == RD_KAFKA_RESP_ERR__SSL));
}

std::optional<KafkaComplaint> KafkaClient::take_delivery_failure() {
  return std::exchange(delivery_failure_, std::nullopt);
}

KafkaError KafkaClient::error(rd_kafka_resp_err_t code, std::string_view what) {
  serve(std::chrono::milliseconds{0});  // brings complaints
  const auto no_answer = code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
                         code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE;
  if (const auto complaint = take_complaint(); no_answer && complaint) {
    return {KafkaError::Kind::retriable, complaint->code, fmt::format("could not {}: {}", what, complaint->text)};
  }
  return {KafkaError::Kind::retriable, code, fmt::format("could not {}: {}", what, rd_kafka_err2str(code))};
}

void KafkaClient::complain(rd_kafka_resp_err_t code, const char* reason) {
  all_down_ = all_down_ || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
  // "All brokers are down" follows each cause and tells less.
  if (complaint_ && tells_why(complaint_->code) && !tells_why(code)) return;
  complaint_ = KafkaComplaint{code, reason};
}

/// With delivery.report.only.error only failures come.
void KafkaClient::look_at_delivery(const rd_kafka_message_t& message) {
  const auto is_ours =
      message.err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message.err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR || is_ours) return;
  if (delivery_failure_) return;
  delivery_failure_ =
      KafkaComplaint{message.err, fmt::format("could not deliver a record to topic \"{}\": {}",
                                              rd_kafka_topic_name(message.rkt), rd_kafka_err2str(message.err))};
}

void KafkaClient::on_log(const rd_kafka_t* /*handle*/, int level, const char* facility, const char* text) {
  constexpr int syslog_error = 3;
  constexpr int syslog_warning = 4;
  if (std::string_view{facility} == "CONFWARN")
    return;  // properties of consumers are given to producers, and the reverse
  const auto ours = level <= syslog_error     ? log::Level::warning
                    : level == syslog_warning ? log::Level::info
                                              : log::Level::debug;
  log::event(ours, "kafka_client", text, {{"facility", facility}});
}

}  // namespace walgate::mirror
