// bare_producer.cpp - what librdkafka itself can send: the peer of the mirror's measures.
//
//   bare_producer SOURCE_TOPIC TARGET_TOPIC RECORDS RECORDS_PER_TRANSACTION name=value …
//
// Reads records of the source topic into memory, at most 200,000, and sends them with their headers, again and again,
// in transactions of so many, until RECORDS are sent.  The properties are those of the producer.  Prints the seconds
// from the first record to the last commit, and the bytes of keys and values.
#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

struct Record {
  std::string key;
  std::string value;
  bool has_value = true;
  std::vector<std::pair<std::string, std::string>> headers;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "bare_producer: %s\n", what.c_str());
  std::exit(1);
}

void check(rd_kafka_error_t* error) {
  if (error != nullptr) fail(rd_kafka_error_string(error));
}

rd_kafka_t* client(rd_kafka_type_t type, const std::vector<std::pair<std::string, std::string>>& properties) {
  auto* const conf = rd_kafka_conf_new();
  char reason[512];
  for (const auto& [name, value] : properties) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason, sizeof reason) != RD_KAFKA_CONF_OK) fail(reason);
  }
  auto* const made = rd_kafka_new(type, conf, reason, sizeof reason);
  if (made == nullptr) fail(reason);
  return made;
}

std::vector<Record> read(const std::string& bootstrap, const std::string& name, std::size_t most) {
  auto* const consumer = client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", bootstrap},
                                                    {"isolation.level", "read_committed"},
                                                    {"enable.partition.eof", "true"},
                                                    {"group.id", "bare"}});
  auto* const topic = rd_kafka_topic_new(consumer, name.c_str(), nullptr);
  rd_kafka_consume_start(topic, 0, RD_KAFKA_OFFSET_BEGINNING);
  std::vector<Record> records;
  while (records.size() < most) {
    auto* const message = rd_kafka_consume(topic, 0, 10000);
    if (message == nullptr) fail("no record within 10 s");
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      rd_kafka_message_destroy(message);
      break;
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_message_errstr(message));
    Record record{{static_cast<const char*>(message->key), message->key_len}, {}, message->payload != nullptr, {}};
    if (record.has_value) record.value.assign(static_cast<const char*>(message->payload), message->len);
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const char* header = nullptr;
      const void* value = nullptr;
      std::size_t size = 0;
      for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &header, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
           ++i) {
        record.headers.emplace_back(header, std::string{static_cast<const char*>(value), size});
      }
    }
    records.push_back(std::move(record));
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consume_stop(topic, 0);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(consumer);
  if (records.empty()) fail("the topic is empty");
  return records;
}

void produce(rd_kafka_t* producer, rd_kafka_topic_t* topic, Record& record) {
  for (;;) {
    auto* const headers = rd_kafka_headers_new(record.headers.size());
    for (const auto& [name, value] : record.headers) {
      rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                          static_cast<ssize_t>(value.size()));
    }
    rd_kafka_vu_t fields[6]{};
    fields[0].vtype = RD_KAFKA_VTYPE_RKT;
    fields[0].u.rkt = topic;
    fields[1].vtype = RD_KAFKA_VTYPE_PARTITION;
    fields[1].u.i32 = 0;
    fields[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    fields[2].u.i = RD_KAFKA_MSG_F_COPY;
    fields[3].vtype = RD_KAFKA_VTYPE_KEY;
    fields[3].u.mem = {record.key.data(), record.key.size()};
    fields[4].vtype = RD_KAFKA_VTYPE_VALUE;
    fields[4].u.mem = {record.has_value ? record.value.data() : nullptr, record.value.size()};
    fields[5].vtype = RD_KAFKA_VTYPE_HEADERS;
    fields[5].u.headers = headers;
    auto* const error = rd_kafka_produceva(producer, fields, 6);
    if (error == nullptr) return;
    rd_kafka_headers_destroy(headers);
    if (rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail(rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    rd_kafka_poll(producer, 10);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) fail("see the head of its source");
  std::vector<std::pair<std::string, std::string>> properties{{"delivery.report.only.error", "true"},
                                                              {"transactional.id", "bare_producer"}};
  std::string bootstrap;
  for (int i = 5; i < argc; ++i) {
    const std::string word{argv[i]};
    const auto at = word.find('=');
    properties.emplace_back(word.substr(0, at), word.substr(at + 1));
    if (properties.back().first == "bootstrap.servers") bootstrap = properties.back().second;
  }
  const auto wanted = std::strtoull(argv[3], nullptr, 10);
  const auto per_transaction = std::strtoull(argv[4], nullptr, 10);
  auto records = read(bootstrap, argv[1], 200'000);
  auto* const producer = client(RD_KAFKA_PRODUCER, properties);
  auto* const topic = rd_kafka_topic_new(producer, argv[2], nullptr);
  check(rd_kafka_init_transactions(producer, 30000));
  const auto began = std::chrono::steady_clock::now();
  unsigned long long bytes = 0;
  for (unsigned long long sent = 0; sent < wanted;) {
    check(rd_kafka_begin_transaction(producer));
    for (unsigned long long i = 0; i < per_transaction && sent < wanted; ++i, ++sent) {
      auto& record = records[sent % records.size()];
      produce(producer, topic, record);
      bytes += record.key.size() + record.value.size();
    }
    check(rd_kafka_commit_transaction(producer, -1));
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
  std::printf("%.6f %llu\n", seconds.count(), bytes);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(producer);
  return 0;
}
