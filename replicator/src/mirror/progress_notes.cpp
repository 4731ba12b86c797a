#include "mirror/progress_notes.hpp"

#include <chrono>

#include "mirror/mirror_settings.hpp"
#include "mirror/patience.hpp"
#include "mirror/progress_record.hpp"
#include "mirror/topics.hpp"
#include "mirror/transactional_producer.hpp"
#include "observe/failure_json.hpp"

namespace walgate::mirror {

void write_notes(const Config& config, const ProgressNotes& notes, const Event* leave) {
  const Patience patience{std::chrono::seconds{20}, leave};
  const auto topic = progress_topic(config);
  Topics{config, leave}.ensure(topic, TopicPurpose::progress, 1);
  auto own = producer_properties(config);
  own.erase("transactional.id");
  own.erase("transaction.timeout.ms");
  TransactionalProducer producer{config.kafka.properties, own, false};
  producer.begin();
  for (const auto& [key, value] : notes) {
    producer.produce(topic, 0, {.key = key, .value = value.value_or(""), .has_value = value.has_value()}, patience);
  }
  producer.commit(patience);
}

void write_error(const Config& config, const Failure& failure, const Event* leave) {
  write_notes(config, {{error_key(config.pipeline), dump(failure_json(failure))}}, leave);
}

}  // namespace walgate::mirror
