#include "mirror/topic_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

/// Where a partition begins and ends.
PartitionEnds ask_ends(KafkaClient& client, const std::string& topic, std::int32_t partition, std::string_view what,
                       const Patience& patience) {
  PartitionEnds ends;
  auto code = RD_KAFKA_RESP_ERR_NO_ERROR;
  do {
    code = rd_kafka_query_watermark_offsets(client.handle(), topic.c_str(), partition, &ends.begin, &ends.end,
                                            patience.next(longest_answer));
  } while ((code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT) && !patience.is_over());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw client.error(code, what);
  return ends;
}

/// `kilobytes`: what librdkafka may fetch ahead.
KafkaProperties reader_properties(const char* kilobytes) {
  return {{"isolation.level", "read_committed"},
          {"enable.partition.eof", "true"},
          {"auto.offset.reset", "error"},
          {"allow.auto.create.topics", "false"},
          {"queued.max.messages.kbytes", kilobytes}};
}

ReadRecord read_record(const rd_kafka_message_t& message) {
  return {.partition = message.partition,
          .offset = message.offset,
          .key = {static_cast<const char*>(message.key), message.key_len},
          .value = {static_cast<const char*>(message.payload), message.len},
          .has_key = message.key != nullptr,
          .has_value = message.payload != nullptr,
          .message = &message};
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
      client_{RD_KAFKA_CONSUMER, properties, reader_properties("16384")},
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
    offsets.push_back(ask_ends(client_, name_, partition, what(), patience).end);
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
          on_record(read_record(*message));
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
  reader.read(patience, true, on_record);
}

std::vector<PartitionEnds> ends_of(const KafkaProperties& properties, const std::string& topic,
                                   const Patience& patience) {
  const auto what = fmt::format("ask for the ends of topic \"{}\"", topic);
  KafkaClient client{RD_KAFKA_CONSUMER, properties, reader_properties("16384")};
  const KafkaTopic handle{rd_kafka_topic_new(client.handle(), topic.c_str(), nullptr)};
  if (!handle) throw client.error(rd_kafka_last_error(), what);
  std::vector<PartitionEnds> ends(static_cast<std::size_t>(partitions_of(client, handle.get(), what, patience)));
  std::int32_t partition = 0;
  for (auto& end : ends) end = ask_ends(client, topic, partition++, what, patience);
  return ends;
}

// One fetch a second is enough for who asks once a second.
TopicTail::TopicTail(const KafkaProperties& properties, const std::string& topic, std::int64_t offset)
    : client_{RD_KAFKA_CONSUMER, properties,
              [] {
                auto own = reader_properties("1024");
                own.insert_or_assign("enable.partition.eof", "false");
                own.insert_or_assign("auto.offset.reset", "earliest");
                own.insert_or_assign("fetch.min.bytes", "1000000");
                own.insert_or_assign("fetch.wait.max.ms", "700");
                return own;
              }()},
      topic_{rd_kafka_topic_new(client_.handle(), topic.c_str(), nullptr)} {
  const auto what = fmt::format("follow topic \"{}\"", topic);
  if (!topic_) throw client_.error(rd_kafka_last_error(), what);
  if (rd_kafka_consume_start(topic_.get(), 0, offset) != 0) throw client_.error(rd_kafka_last_error(), what);
}

TopicTail::~TopicTail() {
  rd_kafka_consume_stop(topic_.get(), 0);
}

void TopicTail::take(const std::function<void(const ReadRecord&)>& on_record) {
  client_.serve(std::chrono::milliseconds{0});
  while (const KafkaMessage message{rd_kafka_consume(topic_.get(), 0, 0)}) {
    // Whatever goes wrong on the way is met by those who write, too.
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) on_record(read_record(*message));
  }
}

}  // namespace walgate::mirror
