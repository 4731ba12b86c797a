#include "service/mirror_only.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "mirror/kafka_failure.hpp"
#include "mirror/mirror.hpp"
#include "mirror/mirror_settings.hpp"
#include "mirror/patience.hpp"
#include "mirror/progress_notes.hpp"
#include "mirror/topics.hpp"
#include "observe/log.hpp"
#include "service/mirroring.hpp"
#include "service/pipeline_slots.hpp"
#include "service/start_checks.hpp"
#include "stream/source_session.hpp"

namespace walgate::service {

namespace {

using namespace std::chrono_literals;

/// A killed service's walsender may live a little longer than it.
constexpr auto takeover_patience = 30s;

/// What Kafka refuses, as a failure of the pipeline.
template <typename Work>
auto with_kafka(const Config& config, Work work) {
  try {
    return work();
  } catch (const mirror::KafkaError& error) {
    throw Error{mirror::failure_of(error, config)};
  }
}

/// The source, with what the progress topic remembers in the place of a registration.
Situation with_records(Situation now, const mirror::ProgressRecords& records) {
  if (!records.position) return now;
  const auto& known = *records.position;
  now.registration = apply::Registration{.source_system = known.source,
                                         .source_timeline = known.timeline,
                                         .source_database = known.database,
                                         .slot = known.slot,
                                         .publications = {},
                                         .target_system = {},
                                         .target_database = 0,
                                         .replica_role = false,
                                         .start_lsn = {}};
  now.progress = apply::Progress{.position = known.position,
                                 .epoch = 0,
                                 .slot_transactions = known.slot_transactions,
                                 .host = {},
                                 .pid = 0,
                                 .process_space = {}};
  return now;
}

bool has_errors(const std::vector<Finding>& findings) {
  return std::ranges::find(findings, Severity::error, &Finding::severity) != findings.end();
}

void wait_for_slot(const Config& config, postgres::Connection& source, const Event& finish) {
  const auto deadline = std::chrono::steady_clock::now() + takeover_patience;
  for (;;) {
    const auto slot = stream::find_slot(source, config.source.slot);
    if (!slot || !slot->active_pid) return;
    if (std::chrono::steady_clock::now() >= deadline) {
      throw Error{Failure{
          .name = ErrorName::pipeline_in_use,
          .message = fmt::format("another service runs the pipeline \"{}\"", config.pipeline),
          .detail = fmt::format("process {} of the source reads slot \"{}\"", *slot->active_pid, config.source.slot),
          .phase = "check"}};
    }
    auto descriptors = std::to_array<pollfd>({{finish.descriptor(), POLLIN, 0}});
    if (wait_for(descriptors, 200ms)) throw postgres::Interrupted{};
  }
}

mirror::PublisherSource publisher_source(const Config& config, const Situation& now, const Event& stop) {
  return {.system = now.source.system,
          .database = now.source.database_name,
          .encoding = now.source.encoding,
          .read_types = [&config, &stop] { return read_types(config, stop); }};
}

Situation look(const Config& config, const char* phase, const Event* stop) {
  auto replication = stream::open_replication(config, stop);
  replication.set_phase(phase);
  return look_at_source(config, replication);
}

}  // namespace

void MirrorOnly::run() {
  Situation now;
  {
    auto replication = stream::open_replication(config_, &stop_);
    replication.set_phase("check");
    wait_for_slot(config_, replication, finish_);
    now = look_at_source(config_, replication);
    auto findings = check_source_positions(config_, now);
    for (auto& finding : check_source(config_, replication)) findings.push_back(std::move(finding));
    throw_errors(findings);
    for (const auto& finding : findings) {
      if (finding.severity != Severity::warning) continue;
      log::warning(text_of(finding.name), finding.finding, {{"object", finding.object}, {"remedy", finding.remedy}});
    }
  }
  board_.update([&](Status& status) {
    status.source_lsn = now.source.flushed;
    status.tables.clear();
    for (const auto& relation : now.relations) {
      const QualifiedName table{relation.schema, relation.name};
      const auto topic = mirror::topic_of_table(config_, table);
      if (topic) status.tables.push_back({.source = table.display(), .target = topic->name});
    }
  });
  mirror::MirrorStart start{.source = publisher_source(config_, now, stop_),
                            .timeline = now.source.timeline,
                            .database = now.source.database,
                            .slot_transactions = now.slot->transactions,
                            .awaited = stream::is_synchronous_standby(now.source),
                            .position = now.slot->confirmed_flush};
  start.check = [this, now](const mirror::ProgressRecords& records) -> std::optional<Lsn> {
    auto then = with_records(now, records);
    auto source = stream::open_monitor(config_, &stop_);
    then.slot = stream::find_slot(source, config_.source.slot);  // nobody else may have moved it meanwhile
    const auto findings = check_source_positions(config_, then);
    const bool all_wanted = std::ranges::any_of(records.requests, [](const auto& one) { return !one.table; });
    if (!all_wanted || !then.slot) throw_errors(findings);
    return has_errors(findings) ? std::optional{then.slot->confirmed_flush} : std::nullopt;
  };
  mirror::Mirror mirror{config_, std::move(start), board_, finish_, stop_};
  mirror.run_alone();
}

mirror::ProgressRecords read_records(const Config& config) {
  try {
    return mirror::read_progress(config.kafka.properties, mirror::progress_topic(config), config.pipeline,
                                 mirror::answer_patience);
  } catch (const mirror::KafkaError& error) {
    if (error.code() == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || error.code() == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
      return {};
    throw Error{mirror::failure_of(error, config)};
  }
}

void forget_records(const Config& config) {
  mirror::ProgressNotes notes;
  for (const auto& key : read_records(config).keys) notes.emplace_back(key, std::nullopt);
  if (!notes.empty()) with_kafka(config, [&] { mirror::write_notes(config, notes); });
}

std::vector<std::string> init_mirror_only(const Config& config) {
  const auto now = look(config, "check", nullptr);
  const auto records = read_records(config);
  throw_errors(check_source_positions(config, with_records(now, records)));
  if (records.position) {
    return {fmt::format("pipeline {} is known to Kafka already, at {}", config.pipeline,
                        records.position->position.text())};
  }
  return with_kafka(config, [&]() -> std::vector<std::string> {
    const Event never;
    const auto source = publisher_source(config, now, never);
    mirror::MirrorCounters counters;
    mirror::Publisher publisher{config, source, counters, never, never};
    static_cast<void>(publisher.open());
    publisher.progress() = {.position = now.slot->confirmed_flush,
                            .last_commit = {},
                            .incarnation = mirror::draw_incarnation(),
                            .source = now.source.system,
                            .slot = config.source.slot,
                            .timeline = now.source.timeline,
                            .database = now.source.database,
                            .slot_transactions = now.slot->transactions,
                            .gap = std::nullopt};
    publisher.commit(now.slot->confirmed_flush);
    return {fmt::format("registered pipeline {} in topic {} at {} of slot {}", config.pipeline,
                        mirror::progress_topic(config), now.slot->confirmed_flush.text(), config.source.slot)};
  });
}

std::vector<Finding> check_mirror_only(const Config& config) {
  std::vector<Finding> findings;
  mirror::ProgressRecords records;
  const auto found = [&](const char* object, const Failure& failure) {
    findings.push_back({Severity::error, failure.name, object, failure.message, remedy_of(failure)});
  };
  try {
    records = read_records(config);
  } catch (const Error& error) {
    found("Kafka", error.failure());
  }
  try {
    auto replication = stream::open_replication(config, nullptr);
    replication.set_phase("check");
    const auto now = with_records(look_at_source(config, replication), records);
    for (const auto& more : {check_source_positions(config, now), check_source(config, replication)}) {
      findings.insert(findings.end(), more.begin(), more.end());
    }
  } catch (const Error& error) {
    found("source", error.failure());
  }
  if (!has_errors(findings) && !records.position) {
    findings.push_back({Severity::info, ErrorName::not_initialised, fmt::format("pipeline \"{}\"", config.pipeline),
                        "Kafka does not know the pipeline yet", "`walgate run` and `walgate init` register it"});
  }
  return findings;
}

void add_mirror_only(const Config& config, Status& status) {
  const auto records = read_records(config);
  if (!records.position) {
    throw Error{Failure{.name = ErrorName::not_initialised,
                        .message = fmt::format("Kafka knows no pipeline \"{}\"", config.pipeline),
                        .phase = "status"}};
  }
  const auto& known = *records.position;
  status.applied_lsn = status.received_lsn = known.position;
  auto& mirror = status.mirror.emplace();
  mirror.state = MirrorState::stopped;
  mirror.position = known.position;
  if (known.gap) mirror.gap = GapStatus{known.gap->from, known.gap->to};
  if (const auto standing = records.standing_error()) {
    status.error = standing;
    status.reason = status.error->message;
    status.next_step = remedy_of(*status.error);
  }
}

std::vector<std::string> remove_mirror_only(const Config& config, bool keep_slot) {
  std::vector<std::string> done;
  auto source = stream::open_replication(config, nullptr);
  source.set_phase("remove");
  const auto slot = stream::find_slot(source, config.source.slot);
  if (slot && slot->active_pid) {
    throw Error{Failure{.name = ErrorName::pipeline_running,
                        .message = fmt::format("a service runs the pipeline \"{}\"", config.pipeline),
                        .phase = "remove"}};
  }
  const auto records = read_records(config);
  if (!keep_slot) {
    const auto here = stream::identify_source(source).system;
    if (records.position && records.position->source != here) {
      throw Error{Failure{.name = ErrorName::other_source_system,
                          .message = "source.conninfo leads to another cluster than the registered one",
                          .remedy = "correct source.conninfo, or use --keep-slot",
                          .phase = "remove"}};
    }
    done = drop_slots(config, source);
  }
  if (records.keys.empty()) {
    done.push_back(fmt::format("Kafka knows no pipeline {}", config.pipeline));
  } else {
    forget_records(config);
    done.push_back(fmt::format("topic {} has forgotten the pipeline {}; the topics of tables stay",
                               mirror::progress_topic(config), config.pipeline));
  }
  return done;
}

void leave_out_of_kafka(const Config& config, Lsn lsn) {
  with_kafka(config, [&] { mirror::write_notes(config, {{mirror::skip_key(config.pipeline, lsn), "{}"}}); });
}

void record_mirror_only(const Config& config, const Failure& failure) {
  with_kafka(config, [&] { mirror::write_error(config, failure); });
}

}  // namespace walgate::service
