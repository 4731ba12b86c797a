// topic_reader.hpp - a topic from its beginning to its end, as it stands committed; and on from there, later.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mirror/kafka_client.hpp"
#include "mirror/patience.hpp"

namespace walgate::mirror {

/// One record of a topic; the views last for the call.
struct ReadRecord {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string_view key;
  std::string_view value;
  bool has_key = true;
  bool has_value = true;  ///< else a tombstone
  const rd_kafka_message_t* message = nullptr;

  /// nullopt where the record has none of that name.
  [[nodiscard]] std::optional<std::string_view> header(const char* name) const;
};

/// Joins no group and commits no offsets.  What a transaction that is still open has written is behind the end.
class TopicReader {
 public:
  /// Throws KafkaError for a topic that does not exist, and for one that may not be read.
  TopicReader(const KafkaProperties& properties, std::string topic, const Patience& patience);

  /// Reads the committed records of all partitions from where it stopped, first from the beginning, up to the ends as
  /// it finds them.  Aborted transactions and markers leave gaps.  Throws KafkaError when the patience is over; with
  /// `renews` each record renews it.
  void read(Patience patience, bool renews, const std::function<void(const ReadRecord&)>& on_record);

  [[nodiscard]] std::int32_t partitions() const noexcept { return static_cast<std::int32_t>(next_.size()); }
  /// Where the next read begins: behind all that has been there so far.
  [[nodiscard]] std::int64_t end_of(std::int32_t partition) const {
    return next_.at(static_cast<std::size_t>(partition));
  }

 private:
  [[nodiscard]] std::string what() const;
  /// Of each partition: the offset behind its last record.
  [[nodiscard]] std::vector<std::int64_t> ends(const Patience& patience);

  std::string name_;
  KafkaClient client_;
  KafkaTopic topic_;
  std::vector<std::int64_t> next_;  ///< offsets
};

/// Reads a topic once; each record renews the patience.  End an open transaction first, by initialising its producer.
/// Throws KafkaError as TopicReader.
void read_to_end(const KafkaProperties& properties, const std::string& topic, const Patience& patience,
                 const std::function<void(const ReadRecord&)>& on_record);

/// Where each partition of the topic begins and ends: nothing that is written later has a lower offset than `end`.
struct PartitionEnds {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};
[[nodiscard]] std::vector<PartitionEnds> ends_of(const KafkaProperties& properties, const std::string& topic,
                                                 const Patience& patience);

/// Follows the first partition of a topic from an offset on, in the background; who asks never waits.
class TopicTail {
 public:
  TopicTail(const KafkaProperties& properties, const std::string& topic, std::int64_t offset);
  ~TopicTail();
  TopicTail(const TopicTail&) = delete;
  TopicTail& operator=(const TopicTail&) = delete;

  /// What was committed since the last call.
  void take(const std::function<void(const ReadRecord&)>& on_record);

 private:
  KafkaClient client_;
  KafkaTopic topic_;
};

}  // namespace walgate::mirror
