#include "mirror/topic_reader.hpp"

#include <fmt/format.h>

namespace walgate::mirror {

namespace {

/// The number of partitions of a topic.
std::int32_t partitions_of(KafkaClient& client, rd_kafka_topic_t* topic, std::string_view what,
                           const Patience& patience) {
  constexpr std::chrono::seconds longest_answer{3};
  const rd_kafka_metadata_t* answer = nullptr;
  auto code = RD_KAFKA_RESP_ERR_NO_ERROR;
  do {
    code = rd_kafka_metadata(client.handle(), 0, topic, &answer, patience.next(longest_answer));
  } while ((code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT) && !patience.is_over());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw client.error(code, what);
  const KafkaMetadata metadata{answer};
  if (metadata->topic_cnt != 1) throw client.error(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, what);
  const auto& found = metadata->topics[0];
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) throw client.error(found.err, what);
  return found.partition_cnt;
}

/// Fetches partitions into a queue; stops when it goes.
class Fetching {
 public:
  Fetching(rd_kafka_topic_t* topic, std::int32_t partitions, rd_kafka_queue_t* queue)
      : topic_{topic}, partitions_{partitions} {
    for (std::int32_t partition = 0; partition < partitions_; ++partition) {
      rd_kafka_consume_start_queue(topic_, partition, RD_KAFKA_OFFSET_BEGINNING, queue);
    }
  }
  ~Fetching() {
    for (std::int32_t partition = 0; partition < partitions_; ++partition) rd_kafka_consume_stop(topic_, partition);
  }
  Fetching(const Fetching&) = delete;
  Fetching& operator=(const Fetching&) = delete;

 private:
  rd_kafka_topic_t* topic_;
  std::int32_t partitions_;
};

}  // namespace

// By librdkafka's simple consumer: the other one asks for a group, and for rights on it, even where it joins none.
void read_to_end(const KafkaProperties& properties, const std::string& topic, const Patience& patience,
                 const std::function<void(const ReadRecord&)>& on_record) {
  const auto what = fmt::format("read topic \"{}\" to its end", topic);
  KafkaClient client{RD_KAFKA_CONSUMER,
                     properties,
                     {{"isolation.level", "read_committed"},
                      {"enable.partition.eof", "true"},
                      {"auto.offset.reset", "error"},
                      {"allow.auto.create.topics", "false"}}};
  const KafkaTopic handle{rd_kafka_topic_new(client.handle(), topic.c_str(), nullptr)};
  if (!handle) throw client.error(rd_kafka_last_error(), what);
  const KafkaQueue queue{rd_kafka_queue_new(client.handle())};
  auto open = partitions_of(client, handle.get(), what, patience);
  const Fetching fetching{handle.get(), open, queue.get()};
  while (open > 0) {
    if (patience.is_over()) throw client.error(RD_KAFKA_RESP_ERR__TIMED_OUT, what);
    const KafkaMessage message{rd_kafka_consume_queue(queue.get(), patience.next())};
    if (!message) continue;
    switch (message->err) {
      case RD_KAFKA_RESP_ERR_NO_ERROR:
        on_record({.partition = message->partition,
                   .offset = message->offset,
                   .key = {static_cast<const char*>(message->key), message->key_len},
                   .value = {static_cast<const char*>(message->payload), message->len},
                   .has_value = message->payload != nullptr});
        break;
      case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        --open;
        break;
      case RD_KAFKA_RESP_ERR__TRANSPORT:
      case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        break;  // it connects again by itself
      default:
        throw client.error(message->err, what);
    }
  }
}

}  // namespace walgate::mirror
