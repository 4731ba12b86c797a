#include "mirror/progress_notes.hpp"

#include <chrono>
#include <thread>

#include "mirror/mirror_settings.hpp"
#include "mirror/patience.hpp"
#include "mirror/progress_record.hpp"
#include "mirror/topics.hpp"
#include "mirror/transactional_producer.hpp"
#include "observe/failure_json.hpp"
#include "observe/log.hpp"

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
  // Behind what was given up a moment ago it can be read once the brokers have written that down.
  try {
    for (const Patience patience{answer_patience, leave}; !patience.is_over();) {
      const auto found =
          read_progress(config.kafka.properties, progress_topic(config), config.pipeline, patience).error;
      if (found && found->lsn == failure.lsn) return;
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
  } catch (const KafkaError& error) {  // it is written
    log::debug("error_not_read", error.what());
  }
}

}  // namespace walgate::mirror
