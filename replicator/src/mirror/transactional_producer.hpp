// transactional_producer.hpp - a producer whose records are seen all together, or not at all.
//
// Without transactions, for brokers that have none, the calls are the same: a commit then waits until everything that
// was sent is stored, and what was sent can be seen before.
//
// The order of calls: `initialise` once, then again and again `begin`, any number of `produce`, and `commit` or
// `abort`. Every call throws KafkaError.  After a fatal one the producer is of no use: destroy it, make a new one,
// initialise it, and only then read the progress topic, which tells whether the last commit took place.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "mirror/kafka_client.hpp"
#include "mirror/patience.hpp"

namespace walgate::mirror {

struct RecordHeader {
  std::string_view name;
  std::string_view value;
};

/// What is sent; nothing is kept of it beyond the call.
struct OutgoingRecord {
  std::string_view key;
  std::string_view value;
  bool has_key = true;
  bool has_value = true;  ///< else a tombstone
  std::span<const RecordHeader> headers{};
};

class TransactionalProducer {
 public:
  /// `own` goes over the users' properties: transactional.id and what else the mirror decides.
  TransactionalProducer(const KafkaProperties& properties, const KafkaProperties& own, bool with_transactions = true);
  ~TransactionalProducer();
  TransactionalProducer(const TransactionalProducer&) = delete;
  TransactionalProducer& operator=(const TransactionalProducer&) = delete;

  /// Takes the transactional.id over: ends what its predecessor left open, and fences the predecessor off.
  void initialise(const Patience& patience);
  void begin();
  /// Queues a record.  While the queue is full it waits, and then throws a retriable error; a record that is larger
  /// than message.max.bytes throws a retriable one with that code, and leaves the transaction as it was.
  void produce(const std::string& topic, std::int32_t partition, const OutgoingRecord& record,
               const Patience& patience);
  /// Sends what is queued and makes the transaction visible.  The patience begins anew while records get through.
  void commit(const Patience& patience);
  /// Drops what was sent; readers of committed records never see it.  A broker that is still busy with the commit
  /// before refuses it, which is fatal like every refusal, and as harmless: the next producer ends the transaction.
  void abort(const Patience& patience);
  /// Takes what librdkafka has to tell, without waiting.
  void poll() { client_.serve(std::chrono::milliseconds{0}); }
  [[nodiscard]] KafkaClient& client() noexcept { return client_; }

 private:
  rd_kafka_topic_t* topic(const std::string& name);
  void flush(const Patience& given);

  KafkaClient client_;
  const bool with_transactions_;
  std::map<std::string, KafkaTopic, std::less<>> topics_;
};

}  // namespace walgate::mirror
