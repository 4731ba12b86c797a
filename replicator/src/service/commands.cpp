#include "service/commands.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apply/known_tables.hpp"
#include "apply/target_catalog.hpp"
#include "apply/target_session.hpp"
#include "catalog/identifier.hpp"
#include "catalog/table_mapping.hpp"
#include "copy/ledger.hpp"
#include "copy/sequences.hpp"
#include "mirror/mirror_settings.hpp"
#include "service/copy_checks.hpp"
#include "service/migrations.hpp"
#include "service/mirror_checks.hpp"
#include "service/mirror_only.hpp"
#include "service/mirroring.hpp"
#include "service/pipeline_slots.hpp"
#include "service/registration.hpp"
#include "service/start_checks.hpp"
#include "service/table_watch.hpp"
#include "stream/source_session.hpp"

namespace walgate::service {

namespace {

/// Both sessions that most commands need.
struct Sessions {
  postgres::Connection target;
  postgres::Connection replication;
};

Sessions open_both(const Config& config) {
  auto target = apply::open_target(config, nullptr);
  auto replication = stream::open_replication(config, nullptr);
  target.set_phase("check");
  replication.set_phase("check");
  return {std::move(target), std::move(replication)};
}

[[noreturn]] void not_registered(const Config& config) {
  throw Error{Failure{.name = ErrorName::not_initialised,
                      .message = fmt::format("target knows no pipeline \"{}\"", config.pipeline),
                      .phase = "check"}};
}

void require_registration(const Config& config, postgres::Connection& target) {
  const auto tables = target.exec("SELECT to_regclass('walgate.pipelines') IS NOT NULL");
  if (!bool_field(tables, 0, 0) || !apply::find_registration(target, config.pipeline)) not_registered(config);
}

}  // namespace

std::vector<std::string> init(const Config& config) {
  if (!config.has_target()) return init_mirror_only(config);
  std::vector<std::string> done;
  if (config.migrations.conninfo) done = set_up_own_tables(config);
  auto sessions = open_both(config);
  auto now = look_around(config, sessions.replication, sessions.target);
  throw_errors(check_positions(config, now));
  for (auto& sentence : ensure_registered(config, now, sessions.target)) done.push_back(std::move(sentence));
  if (done.empty()) {
    done.push_back(
        fmt::format("pipeline {} is registered already, at {}", config.pipeline, now.progress->position.text()));
  }
  return done;
}

namespace {

/// A server that cannot be asked is a finding, so that the other one is still looked at.
template <typename Open>
std::optional<postgres::Connection> open_or_find(Open open, const char* object, std::vector<Finding>& findings) {
  try {
    return open();
  } catch (const Error& error) {
    const auto& failure = error.failure();
    findings.push_back({Severity::error, failure.name, object, failure.message, remedy_of(failure)});
    return std::nullopt;
  }
}

}  // namespace

std::vector<Finding> check(const Config& config) {
  if (!config.has_target()) return check_mirror_only(config);
  std::vector<Finding> unreachable;
  auto target = open_or_find([&] { return apply::open_target(config, nullptr); }, "target", unreachable);
  auto replication = open_or_find([&] { return stream::open_replication(config, nullptr); }, "source", unreachable);
  if (!target || !replication) return unreachable;
  Sessions sessions{std::move(*target), std::move(*replication)};
  sessions.target.set_phase("check");
  sessions.replication.set_phase("check");
  const auto now = look_around(config, sessions.replication, sessions.target);
  auto findings = check_positions(config, now);
  const auto copies = now.registration ? copy::read_entries(sessions.target, config.pipeline) : copy::Entries{};
  for (auto more : {check_mapping(config, now, tables_that_may_wait(config, now, copies), sessions.target),
                    check_source(config, sessions.replication), check_room_for_mirror(config, sessions.replication)}) {
    findings.insert(findings.end(), more.begin(), more.end());
  }
  if (now.registration && !now.source.in_recovery) {
    auto remembered = apply::read_known_tables(sessions.target, config.pipeline);
    auto more = check_tables(config, sessions.replication, std::move(remembered));
    findings.insert(findings.end(), more.begin(), more.end());
  }
  if (config.kafka.is_on()) {
    auto source = stream::open_monitor(config, nullptr);
    auto mirrored = read_mirrored_source(config, source);
    mirrored.missing_publications.clear();  // told already
    auto more = check_mirror(config, mirrored, Severity::warning);
    findings.insert(findings.end(), more.begin(), more.end());
  }
  auto of_copy = check_copy(config, now, copies, sessions.replication, sessions.target);
  findings.insert(findings.end(), of_copy.begin(), of_copy.end());
  if (!now.registration) {
    findings.push_back({Severity::info, ErrorName::not_initialised, fmt::format("pipeline \"{}\"", config.pipeline),
                        "the target does not know the pipeline yet", "`walgate run` and `walgate init` register it"});
  }
  return findings;
}

namespace {

void add_target(const Config& config, Status& status) {
  if (!config.has_target()) return add_mirror_only(config, status);
  auto target = apply::open_target(config, nullptr);
  target.set_phase("status");
  require_registration(config, target);
  const auto progress = apply::read_progress(target, config.pipeline);
  status.applied_lsn = status.received_lsn = progress->position;
  status.replica_role = apply::find_registration(target, config.pipeline)->replica_role;
  status.tables = table_status(config, apply::read_known_tables(target, config.pipeline).tables);
  copy::show(copy::read_entries(target, config.pipeline), progress->position, config.copy.enabled, status.tables);
  status.error = apply::standing_error(target, config.pipeline);
  if (status.error) {
    status.reason = status.error->message;
    status.next_step = status.error->remedy;
  }
  if (const auto gate = apply::standing_gate(target, config.pipeline)) {
    status.gate = parse_gate(*gate);
    status.error.reset();
  }
  if (config.kafka.is_on()) {
    status.mirror.emplace().state = MirrorState::stopped;
    if (const auto gap = known_gap(target, config.pipeline)) status.mirror->gap = GapStatus{gap->from, gap->to};
  }
  // Nobody answered over HTTP, but somebody may hold the pipeline: another host's service, or one without a listener.
  if (!apply::try_lock_pipeline(target, config.pipeline)) {
    status.state = status.gate ? ServiceState::at_gate : ServiceState::streaming;
    status.pid = progress->pid;
    status.reason = fmt::format("a service on host \"{}\" holds the pipeline and was not asked itself", progress->host);
    status.next_step = "ask it there, or set http.listen to an address that can be reached";
  }
}

void add_source(const Config& config, Status& status) {
  auto source = stream::open_monitor(config, nullptr);
  source.set_phase("status");
  if (const auto slot = stream::find_slot(source, config.source.slot)) {
    const auto flushed = source.exec("SELECT pg_catalog.pg_current_wal_flush_lsn()");
    status.source_lsn = lsn_field(flushed, 0, 0);
    status.confirmed_lsn = slot->confirmed_flush;
    if (!config.has_target() && slot->active_pid) {
      status.state = ServiceState::streaming;
      status.mirror.emplace(status.mirror.value_or(MirrorStatus{})).state = MirrorState::streaming;
      status.reason = "a service reads the slot and was not asked itself";
      status.next_step = "ask it there, or set http.listen to an address that can be reached";
    }
    status.lag.bytes = status.source_lsn.value - std::min(status.source_lsn.value, status.applied_lsn.value);
    status.retained_wal_bytes = status.source_lsn.value - std::min(status.source_lsn.value, slot->restart.value);
  }
}

}  // namespace

Status offline_status(const Config& config) {
  Status status;
  status.pipeline = config.pipeline;
  status.version = WALGATE_VERSION;
  status.state = ServiceState::stopped;
  // One server that does not answer leaves what the other one knows.
  std::optional<Error> missing;
  for (const auto& add : {add_target, add_source}) {
    try {
      add(config, status);
    } catch (const Error& error) {
      if (missing || error.failure().recovery == Recovery::stop) throw;
      missing = error;
    }
  }
  if (missing && !status.reason) {
    status.reason = missing->failure().message;
    status.next_step = remedy_of(missing->failure());
  }
  return status;
}

namespace {

/// The position there would be taken for that of the next pipeline of this name.
std::string forget_mirror(const Config& config) {
  const auto topic = mirror::progress_topic(config);
  try {
    forget_records(config);
    return fmt::format("topic {} has forgotten the pipeline; the topics of tables stay", topic);
  } catch (const Error& error) {
    return fmt::format("could not reach Kafka ({}): delete topic {} before the pipeline is registered again",
                       error.failure().message, topic);
  }
}

}  // namespace

std::vector<std::string> remove(const Config& config, bool keep_slot) {
  if (!config.has_target()) return remove_mirror_only(config, keep_slot);
  std::vector<std::string> done;
  auto target = apply::open_target(config, nullptr);
  target.set_phase("remove");
  const auto tables = target.exec("SELECT to_regclass('walgate.pipelines') IS NOT NULL");
  const auto known = bool_field(tables, 0, 0) ? apply::find_registration(target, config.pipeline) : std::nullopt;
  if (known) {
    const auto here = apply::identify_target(target);
    if (!keep_slot && (known->target_system != here.system || known->target_database != here.database)) {
      throw Error{
          Failure{.name = ErrorName::other_target_system,
                  .message = "the target is a copy of the one that was registered; its slot belongs to the original",
                  .remedy = "`walgate remove --keep-slot` makes this copy forget the pipeline",
                  .phase = "remove"}};
    }
    if (!keep_slot && known->slot != config.source.slot) {
      throw Error{Failure{
          .name = ErrorName::pipeline_exists_elsewhere,
          .message = fmt::format("the pipeline is registered with the slot \"{}\", the configuration says \"{}\"",
                                 known->slot, config.source.slot),
          .remedy = "name the registered slot in source.slot, or use --keep-slot",
          .phase = "remove"}};
    }
    if (!apply::try_lock_pipeline(target, config.pipeline)) {
      throw Error{Failure{.name = ErrorName::pipeline_running,
                          .message = fmt::format("a service runs the pipeline \"{}\"", config.pipeline),
                          .phase = "remove"}};
    }
  }
  // The slot first: a pipeline without its slot can be removed again, a slot without its pipeline would retain WAL
  // unseen.
  if (!keep_slot) {
    auto source = stream::open_replication(config, nullptr);
    source.set_phase("remove");
    const auto identity = stream::identify_source(source);
    if (known && (known->source_system != identity.system || known->source_database != identity.database)) {
      throw Error{Failure{.name = ErrorName::other_source_system,
                          .message = "source.conninfo leads to another cluster or database than the registered one",
                          .remedy = "correct source.conninfo, or use --keep-slot",
                          .phase = "remove"}};
    }
    done = drop_slots(config, source);
  }
  if (known) {
    apply::forget_pipeline(target, config.pipeline);
    apply::drop_origin(target, config.pipeline);
    done.push_back(fmt::format("the target has forgotten the pipeline {}", config.pipeline));
  } else {
    done.push_back(fmt::format("the target knows no pipeline {}", config.pipeline));
  }
  if (config.kafka.is_on()) done.push_back(forget_mirror(config));
  return done;
}

namespace {

bool stands_at(const std::optional<Failure>& standing, Lsn lsn) {
  return standing && standing->lsn == lsn;
}

[[noreturn]] void refuse_to_skip(const Config& config, const std::optional<Failure>& standing, Lsn lsn) {
  throw Error{Failure{
      .name = ErrorName::skip_refused,
      .message =
          fmt::format("{} is not the transaction that the pipeline \"{}\" stands at", lsn.text(), config.pipeline),
      .detail = standing && standing->lsn ? fmt::format("the standing error is at {}", standing->lsn->text())
                                          : "there is no standing error of a transaction",
      .phase = "skip"}};
}

}  // namespace

std::vector<std::string> skip(const Config& config, Lsn lsn) {
  if (!config.has_target()) {
    const auto standing = read_records(config).standing_error();
    if (!stands_at(standing, lsn)) refuse_to_skip(config, standing, lsn);
    leave_out_of_kafka(config, lsn);
    return {fmt::format("the transaction at {} will be left out", lsn.text())};
  }
  auto target = apply::open_target(config, nullptr);
  target.set_phase("skip");
  require_registration(config, target);
  const auto standing = apply::standing_error(target, config.pipeline);
  if (!stands_at(standing, lsn)) {
    const auto of_mirror = config.kafka.is_on() ? read_records(config).standing_error() : std::nullopt;
    if (!stands_at(of_mirror, lsn)) refuse_to_skip(config, standing ? standing : of_mirror, lsn);
    leave_out_of_kafka(config, lsn);
    return {fmt::format("the mirror will leave the transaction at {} out; the target holds it", lsn.text())};
  }
  apply::request_skip(target, config.pipeline, lsn);
  return {
      fmt::format("the transaction at {} will be left out; what was in it will stand in walgate.skips", lsn.text())};
}

std::vector<std::string> accept(const Config& config, const QualifiedName& table) {
  auto target = apply::open_target(config, nullptr);
  target.set_phase("accept");
  require_registration(config, target);
  // At a gate the running service reads the answer; elsewhere it would overwrite it.
  const auto standing = apply::standing_error(target, config.pipeline);
  const bool at_gate = standing && standing->name == ErrorName::relation_does_not_fit && standing->lsn &&
                       standing->relation == table.display();
  if (!at_gate && !apply::try_lock_pipeline(target, config.pipeline)) {
    throw Error{Failure{.name = ErrorName::pipeline_running,
                        .message = fmt::format("a service runs the pipeline \"{}\"", config.pipeline),
                        .phase = "accept"}};
  }
  const auto known = apply::read_known_tables(target, config.pipeline).tables;
  const auto found = known.find(table);
  if (found == known.end() || !apply::accept_table(target, config.pipeline, table)) {
    throw Error{Failure{.name = ErrorName::accept_refused,
                        .message = found == known.end() ? fmt::format("pipeline \"{}\" knows no source table {}",
                                                                      config.pipeline, table.display())
                                                        : fmt::format("{} is the table that it was", table.display()),
                        .phase = "accept"}};
  }
  if (at_gate) copy::take_for_copied(target, config.pipeline, table, *standing->lsn);
  return {found->second.state == TableState::left
              ? fmt::format("{} is forgotten", table.display())
              : fmt::format("changes of {} as it is now will be applied", table.display())};
}

std::vector<std::string> copy_again(const Config& config, const QualifiedName& table) {
  auto target = apply::open_target(config, nullptr);
  target.set_phase("copy");
  require_registration(config, target);
  const auto refuse = [](std::string message) {
    throw Error{Failure{.name = ErrorName::copy_refused, .message = std::move(message), .phase = "copy"}};
  };
  const auto mapping = map_table(config.tables, table);
  const auto known = apply::read_known_tables(target, config.pipeline).tables;
  const auto found = known.find(table);
  const auto state = found == known.end() ? TableState::left : found->second.state;
  if (!mapping.target || (state != TableState::streaming && state != TableState::recreated)) {
    refuse(fmt::format("pipeline \"{}\" fills nothing from a source table {}", config.pipeline, table.display()));
  }
  // It would be found out at the start, when nothing else could go on either.
  if (!apply::find_registration(target, config.pipeline)->replica_role) {
    for (const auto& [name, filled] : apply::read_tables(target, {*mapping.target})) {
      for (const auto& key : filled.referring_keys) {
        refuse(fmt::format("{} cannot be emptied: {} refers to it by foreign key {}, which is checked", name.display(),
                           key.table.display(), display_identifier(key.name)));
      }
    }
  }
  // Of one that was created again the copy brings the new one's rows.
  if (state == TableState::recreated) apply::accept_table(target, config.pipeline, table);
  if (!copy::copy_again(target, config.pipeline, table)) {
    refuse(fmt::format("pipeline \"{}\" has not begun to fill {}", config.pipeline, mapping.target->display()));
  }
  return {
      apply::try_lock_pipeline(target, config.pipeline)
          ? fmt::format("{} will be emptied and copied at the next start", table.display())
          : fmt::format("{} will be emptied and copied by the running service within some seconds", table.display())};
}

std::vector<std::string> sync_sequences(const Config& config) {
  auto target = apply::open_target(config, nullptr);
  target.set_phase("sync-sequences");
  require_registration(config, target);
  auto source = stream::open_monitor(config, nullptr);
  source.set_phase("sync-sequences");
  std::vector<QualifiedName> tables;
  for (const auto& [table, known] : apply::read_known_tables(target, config.pipeline).tables) tables.push_back(table);
  auto report = copy::sync_sequences(config, source, target, tables);
  if (!report.not_set.empty()) {
    throw Error{Failure{.name = ErrorName::target_role_not_allowed,
                        .message = fmt::format("not all sequences could be set: {}", fmt::join(report.not_set, "; ")),
                        .detail = fmt::format("{}", fmt::join(report.set, "; ")),
                        .phase = "sync-sequences"}};
  }
  if (report.set.empty()) report.set.emplace_back("all sequences are where those of the source are, or further");
  return report.set;
}

}  // namespace walgate::service
