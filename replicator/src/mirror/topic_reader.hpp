// topic_reader.hpp - a topic from its beginning to its end, as it stands committed.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "mirror/kafka_client.hpp"
#include "mirror/patience.hpp"

namespace walgate::mirror {

/// One record of a topic; the views last for the call.
struct ReadRecord {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string_view key;
  std::string_view value;
  bool has_value = true;  ///< else a tombstone
};

/// Reads all committed records of all partitions up to the ends as the reader finds them, which aborted transactions
/// and markers leave gaps in.  What a transaction that is still open has written is behind the end: end it first, by
/// initialising the producer.  Joins no group and commits no offsets.  Throws KafkaError when it takes too
/// long, for a topic that does not exist, and for one that may not be read.
void read_to_end(const KafkaProperties& properties, const std::string& topic, const Patience& patience,
                 const std::function<void(const ReadRecord&)>& on_record);

}  // namespace walgate::mirror
