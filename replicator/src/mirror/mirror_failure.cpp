#include "mirror/mirror_failure.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mirror/kafka_error.hpp"
#include "mirror/mirror_settings.hpp"

namespace walgate::mirror {

void check_identity(const Config& config, const std::string& source_system,
                    const std::optional<MirrorIdentity>& known_to_target, const MirrorIdentity& here,
                    const std::optional<MirrorProgress>& found) {
  if (known_to_target && known_to_target->cluster != here.cluster) {
    throw Error{{.name = ErrorName::mirror_progress_lost,
                 .message = fmt::format("this is another Kafka cluster ({}) than the one the pipeline was mirrored "
                                        "into ({})",
                                        here.cluster, known_to_target->cluster),
                 .phase = "mirror"}};
  }
  if (known_to_target && (!found || found->incarnation != known_to_target->incarnation)) {
    throw Error{{.name = ErrorName::mirror_progress_lost,
                 .message = fmt::format("topic \"{}\" does not know the pipeline any more: it was emptied, deleted or "
                                        "restored",
                                        progress_topic(config)),
                 .phase = "mirror"}};
  }
  if (found && found->source != source_system) {
    throw Error{{.name = ErrorName::mirror_progress_lost,
                 .message = fmt::format("topic \"{}\" has the position of a pipeline with another source",
                                        progress_topic(config)),
                 .remedy = "give one of the two pipelines another name, or delete the topic of the one that is gone",
                 .phase = "mirror"}};
  }
}

void check_history(const Config& config, const MirrorProgress& found, Lsn flushed, std::int64_t timeline) {
  if (found.position <= flushed && (found.timeline == 0 || found.timeline == timeline)) return;
  throw Error{{.name = ErrorName::mirror_progress_lost,
               .message = fmt::format("topic \"{}\" is at {} of timeline {}, which this source has not written",
                                      progress_topic(config), found.position.text(), found.timeline),
               .detail = fmt::format("the source is at {} of timeline {}", flushed.text(), timeline),
               .phase = "mirror"}};
}

bool is_wanted_anew(const Config& config, const Patience& patience) {
  try {
    const auto found = read_progress(config.kafka.properties, progress_topic(config), config.pipeline, patience);
    return std::ranges::any_of(found.requests, [](const auto& request) { return !request.table; });
  } catch (const KafkaError& error) {
    const bool is_missing =
        error.code() == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || error.code() == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    if (!is_missing) throw;
    return false;
  }
}

}  // namespace walgate::mirror
