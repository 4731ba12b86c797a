// progress_record.hpp - the mirror's position, as a record of its own topic.
//
// It is written in the Kafka transaction that it stands for, so that records and position are one.  The topic is
// compacted; its key is the pipeline.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mirror/kafka_config.hpp"
#include "mirror/patience.hpp"
#include "wire/lsn.hpp"

namespace walgate::mirror {

struct MirrorProgress {
  Lsn position;               ///< end_lsn of the last source transaction that the topics hold
  Lsn last_commit;            ///< final_lsn of the last one that had records; zero: none
  std::string incarnation;    ///< drawn when the mirror was begun; the target knows it as well
  std::string source;         ///< system identifier of the source's cluster
  std::int64_t timeline = 0;  ///< of the source
  std::string slot;
};

[[nodiscard]] std::string progress_key(const std::string& pipeline);
[[nodiscard]] std::string progress_value(const MirrorProgress& progress);
/// nullopt for a text that is no such value.
[[nodiscard]] std::optional<MirrorProgress> parse_progress(std::string_view value);

/// The newest committed one of the pipeline; nullopt when there is none.  Throws KafkaError; Error
/// mirror_progress_lost for one that cannot be read.
[[nodiscard]] std::optional<MirrorProgress> read_progress(const KafkaProperties& properties, const std::string& topic,
                                                          const std::string& pipeline, const Patience& patience);

/// 32 hexadecimal digits, never the same twice.
[[nodiscard]] std::string draw_incarnation();

}  // namespace walgate::mirror
