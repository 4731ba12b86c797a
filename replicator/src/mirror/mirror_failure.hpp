// mirror_failure.hpp - whether this Kafka and this source are the ones that the mirror was begun with.
#pragma once

#include <optional>
#include <string>

#include "config/config.hpp"
#include "errors/error.hpp"
#include "mirror/progress_record.hpp"

namespace walgate::mirror {

/// What the target remembers of a mirror, so that a lost or foreign Kafka is told from a new one.
struct MirrorIdentity {
  std::string cluster;
  std::string incarnation;
};

/// Is this the Kafka that the pipeline was mirrored into, and the pipeline the one whose position Kafka has?
/// `source_system`: identifier of the source's cluster.  Throws Error mirror_progress_lost.
void check_identity(const Config& config, const std::string& source_system,
                    const std::optional<MirrorIdentity>& known_to_target, const MirrorIdentity& here,
                    const std::optional<MirrorProgress>& found);

/// Could the source have written up to the position that Kafka has?  `flushed` and `timeline` are the source's.  Throws
/// Error mirror_progress_lost.
void check_history(const Config& config, const MirrorProgress& found, Lsn flushed, std::int64_t timeline);

/// Has a person asked, in this Kafka, for all topics to be built again?  Makes nothing there.  Throws KafkaError.
[[nodiscard]] bool is_wanted_anew(const Config& config, const Patience& patience);

}  // namespace walgate::mirror
