#include "mirror/topic_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walgate::mirror {

namespace {

constexpr std::chrono::seconds longest_answer{3};

/// The number of partitions of a topic.
std::int32_t partitions_of(KafkaClient& client, rd_kafka_topic_t* topic, std::string_view what,
                           const Patience& patience) {
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
  Fetching(rd_kafka_topic_t* topic, const std::vector<std::int64_t>& offsets, rd_kafka_queue_t* queue)
      : topic_{topic}, partitions_{static_cast<std::int32_t>(offsets.size())} {
    for (std::int32_t partition = 0; partition < partitions_; ++partition) {
      rd_kafka_consume_start_queue(topic_, partition, offsets[static_cast<std::size_t>(partition)], queue);
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

std::optional<std::string_view> ReadRecord::header(const char* name) const {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  const void* found = nullptr;
  std::size_t size = 0;
  if (rd_kafka_header_get_last(headers, name, &found, &size) != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  return std::string_view{static_cast<const char*>(found), size};
}

// By librdkafka's simple consumer: the other one asks for a group, and for rights on it, even where it joins none.
TopicReader::TopicReader(const KafkaProperties& properties, std::string topic, const Patience& patience)
    : name_{std::move(topic)},
      client_{RD_KAFKA_CONSUMER,
              properties,
              {{"isolation.level", "read_committed"},
               {"enable.partition.eof", "true"},
               {"auto.offset.reset", "error"},
               {"allow.auto.create.topics", "false"}}},
      topic_{rd_kafka_topic_new(client_.handle(), name_.c_str(), nullptr)} {
  if (!topic_) throw client_.error(rd_kafka_last_error(), what());
  const auto count = partitions_of(client_, topic_.get(), what(), patience);
  next_.assign(static_cast<std::size_t>(count), RD_KAFKA_OFFSET_BEGINNING);
}

std::string TopicReader::what() const {
  return fmt::format("read topic \"{}\" to its end", name_);
}

std::vector<std::int64_t> TopicReader::ends(const Patience& patience) {
  std::vector<std::int64_t> offsets;
  for (std::int32_t partition = 0; partition < partitions(); ++partition) {
    std::int64_t low = 0;
    std::int64_t high = 0;
    auto code = RD_KAFKA_RESP_ERR_NO_ERROR;
    do {
      code = rd_kafka_query_watermark_offsets(client_.handle(), name_.c_str(), partition, &low, &high,
                                              patience.next(longest_answer));
    } while ((code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT) && !patience.is_over());
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw client_.error(code, what());
    offsets.push_back(high);
  }
  return offsets;
}

// The library tells an end where a fetch finds nothing, which never happens while others write without a pause; and a
// marker at the end is not given out.  So a partition is read when what it gives lies at or behind the end.
void TopicReader::read(Patience patience, bool renews, const std::function<void(const ReadRecord&)>& on_record) {
  const auto until = ends(patience);
  const KafkaQueue queue{rd_kafka_queue_new(client_.handle())};
  const Fetching fetching{topic_.get(), next_, queue.get()};
  std::vector<bool> is_open(next_.size(), true);
  auto open = partitions();
  const auto close = [&](std::size_t partition) {
    is_open[partition] = false;
    --open;
  };
  while (open > 0) {
    if (patience.is_over()) throw client_.error(RD_KAFKA_RESP_ERR__TIMED_OUT, what());
    const KafkaMessage message{rd_kafka_consume_queue(queue.get(), patience.next())};
    if (!message) continue;
    const auto partition = static_cast<std::size_t>(message->partition);
    switch (message->err) {
      case RD_KAFKA_RESP_ERR_NO_ERROR:
        if (!is_open[partition]) break;
        if (message->offset < until[partition]) {
          next_[partition] = message->offset + 1;
          on_record({.partition = message->partition,
                     .offset = message->offset,
                     .key = {static_cast<const char*>(message->key), message->key_len},
                     .value = {static_cast<const char*>(message->payload), message->len},
                     .has_key = message->key != nullptr,
                     .has_value = message->payload != nullptr,
                     .message = message.get()});
        }
        if (message->offset + 1 >= until[partition]) close(partition);
        if (renews) patience.renew();
        break;
      case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (!is_open[partition]) break;
        next_[partition] = std::max(next_[partition], message->offset);
        close(partition);
        break;
      case RD_KAFKA_RESP_ERR__TRANSPORT:
      case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        break;  // it connects again by itself
      default:
        throw client_.error(message->err, what());
    }
  }
}

void read_to_end(const KafkaProperties& properties, const std::string& topic, const Patience& patience,
                 const std::function<void(const ReadRecord&)>& on_record) {
  TopicReader reader{properties, topic, patience};
  reader.read(patience, false, on_record);
}

}  // namespace walgate::mirror
