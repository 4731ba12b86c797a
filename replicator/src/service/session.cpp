#include "service/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <mutex>
#include <set>
#include <thread>

#include "apply/applier.hpp"
#include "apply/known_tables.hpp"
#include "copy/copier.hpp"
#include "copy/sequences.hpp"
#include "migrate/ledger.hpp"
#include "observe/log.hpp"
#include "service/after_copy.hpp"
#include "service/copy_checks.hpp"
#include "service/copy_requests.hpp"
#include "service/mirroring.hpp"
#include "service/registration.hpp"
#include "service/source_monitor.hpp"
#include "service/start_checks.hpp"
#include "service/table_watch.hpp"
#include "stream/receiver.hpp"

namespace walgate::service {

namespace {

using namespace std::chrono_literals;

/// A killed service's session on the target may live a little longer than it.
constexpr auto takeover_patience = 30s;

/// How one of the two threads ended; the first word counts.
class Outcome {
 public:
  void fail(std::exception_ptr error) {
    const std::lock_guard lock{mutex_};
    if (!error_) error_ = std::move(error);
    changed_.set();
  }
  void receiver_ended(stream::Receiver::End end) {
    const std::lock_guard lock{mutex_};
    receiver_ = end;
    changed_.set();
  }
  void applier_ended() {
    const std::lock_guard lock{mutex_};
    applier_done_ = true;
    changed_.set();
  }
  [[nodiscard]] std::exception_ptr error() const {
    const std::lock_guard lock{mutex_};
    return error_;
  }
  [[nodiscard]] std::optional<stream::Receiver::End> receiver() const {
    const std::lock_guard lock{mutex_};
    return receiver_;
  }
  [[nodiscard]] bool applier_done() const {
    const std::lock_guard lock{mutex_};
    return applier_done_;
  }
  [[nodiscard]] Event& changed() noexcept { return changed_; }

 private:
  mutable std::mutex mutex_;
  std::exception_ptr error_;
  std::optional<stream::Receiver::End> receiver_;
  bool applier_done_ = false;
  Event changed_;
};

void lock_or_throw(postgres::Connection& target, const std::string& pipeline, const Event& finish) {
  const auto deadline = std::chrono::steady_clock::now() + takeover_patience;
  bool ended = false;
  while (!apply::try_lock_pipeline(target, pipeline)) {
    const auto holder = apply::read_progress(target, pipeline);
    if (!ended && holder && apply::is_gone(*holder)) {
      ended = true;
      apply::end_left_session(target, pipeline);
      log::info("session_ended", "ended the session that a dead service has left on the target",
                {{"pid", holder->pid}});
      continue;
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      throw Error{
          Failure{.name = ErrorName::pipeline_in_use,
                  .recovery = holder && apply::is_gone(*holder) ? Recovery::retry : Recovery::stop,
                  .message = fmt::format("another service runs the pipeline \"{}\"", pipeline),
                  .detail = holder ? fmt::format("host \"{}\", process {}", holder->host, holder->pid) : std::string{},
                  .phase = "check"}};
    }
    auto descriptors = std::to_array<pollfd>({{finish.descriptor(), POLLIN, 0}});
    if (wait_for(descriptors, 200ms)) throw postgres::Interrupted{};
  }
}

apply::CommitMode commit_mode(const Situation& now, postgres::Connection& target) {
  if (stream::is_synchronous_standby(now.source)) {
    return now.same_cluster() ? apply::CommitMode::local : apply::CommitMode::on;
  }
  // A target that waits for standbys of its own would otherwise be acknowledged before they have the data.
  const auto standbys = target.exec("SELECT pg_catalog.current_setting('synchronous_standby_names') <> ''");
  return bool_field(standbys, 0, 0) && !now.same_cluster() ? apply::CommitMode::on : apply::CommitMode::off;
}

/// Thrown where a table has to be copied that was not when the session began.
struct CopyAsked {};
/// Thrown when all tables are copied and the stream has passed the ends of their copies, where migrations wait for
/// that.
struct AfterCopy {};

std::set<std::string> applied_migrations(const Config& config, postgres::Connection& target) {
  std::set<std::string> ids;
  for (const auto& row : migrate::read_ledger(target, config.pipeline)) {
    if (!row.running) ids.insert(row.id);
  }
  return ids;
}

bool has_moved(const Situation& now) {
  return now.registration && now.progress && now.progress->position > now.registration->start_lsn;
}

/// Was anything streamed or copied yet?
bool has_begun(const Situation& now, const RememberedTables& known) {
  return has_moved(now) || !known.held.empty();
}

/// A refused value that may be a label of an enum which the target does not know yet.
bool may_be_label(const Failure& failure) {
  return failure.sqlstate == "22P02" && failure.phase == "apply" && failure.lsn && !failure.relation.empty();
}

}  // namespace

Session::Session(const Config& config, StatusBoard& board, apply::History& history, const Event& finish,
                 const Event& stop)
    : config_{config}, board_{board}, history_{history}, finish_{finish}, stop_{stop} {}

void Session::run() {
  std::optional<apply::CopyNeeded> needed;
  for (;;) {
    std::optional<apply::Survey> survey;
    try {
      return run_once(needed);
    } catch (const CopyAsked&) {
      log::info("copy_asked", "a table has joined, or a person wants one to be copied again");
      needed.reset();
    } catch (const AfterCopy&) {
      after_copy_failed_ = !migrate_after_copy(config_, board_.snapshot().applied_lsn, stop_);
    } catch (const apply::CopyNeeded& copy) {
      log::info("copy_needed", "a table has to be copied before the stream goes on",
                {{"relation", copy.table.display()}});
      needed = copy;
      if (copy.table != copied_last_) times_let_through_ = 0;  // the transaction has come further
      copied_last_ = copy.table;
    } catch (const apply::HeldAt& held) {
      log::info("looks_closer", "a transaction cannot be applied as the target is; reads it through",
                {{"lsn", held.lsn}});
      history_.held = held.lsn;
      needed.reset();  // where it still is, it will be said again
    } catch (const apply::Surveyed& surveyed) {
      survey = surveyed.survey;
    } catch (const apply::Misfit& misfit) {  // the target was altered while its tables were copied
      auto failure = misfit.failure();
      failure.recovery = Recovery::retry;
      failure.phase = "copy";
      throw Error{std::move(failure)};
    } catch (const Error& error) {
      const auto& failure = error.failure();
      if (!may_be_label(failure) || refused_ == *failure.lsn) throw;
      refused_ = *failure.lsn;
      gate_start_.value_refused = true;  // the gate finds nothing where it is something else, and it comes back
      history_.held = *failure.lsn;
    }
    if (survey) wait_at_gate(*survey);
  }
}

void Session::wait_at_gate(const apply::Survey& survey) {
  const auto lsn = survey.transaction.final_lsn;
  auto target = apply::open_target(config_, &stop_);
  lock_or_throw(target, config_.pipeline, finish_);
  apply::announce_service(target, config_.pipeline);
  if (lsn != let_through_ || !lsn.is_set()) times_let_through_ = 0;
  if (times_let_through_ == 3) {
    throw Error{Failure{.name = ErrorName::internal_error,
                        .message = "a transaction does not fit the target, and the gate cannot tell why",
                        .phase = "gate",
                        .lsn = lsn}};
  }
  auto becoming =
      Gate{config_, gate_start_, std::move(target), waiting_for_target_, board_, finish_, stop_}.pass(survey);
  if (board_.snapshot().gate) return;  // only for a moment: it is met again, before it is tried
  history_.held = Lsn{};
  gate_start_.value_refused = false;
  let_through_ = lsn;
  ++times_let_through_;
  history_.becoming = std::move(becoming);
}

copy::Entries Session::copy_tables(const Situation& now, const copy::CopierStart& start,
                                   const std::optional<apply::CopyNeeded>& needed, postgres::Connection& source,
                                   postgres::Connection& target) {
  const auto tables = filled_tables(config_, now, start.ledger.remembered());
  copy::settle(target, config_.pipeline, tables, config_.copy.enabled,
               config_.copy.existing_rows != ExistingRows::keep);
  auto entries = copy::read_entries(target, config_.pipeline);
  auto findings = check_copy(config_, now, under_new_names(entries, start.ledger.remembered()), source, target);
  // Before the stream has begun, nothing else would go on either.
  const bool streams = has_moved(now) || needed || history_.held.is_set();
  if (streams)
    std::erase_if(findings, [](const Finding& finding) { return finding.name == ErrorName::target_not_empty; });
  throw_errors(findings);
  std::vector<wire::Relation> wanted;
  for (const auto& table : tables) {
    const auto state = entries.at(table.source).state;
    if (state != copy::State::waiting && state != copy::State::copying) continue;
    wanted.push_back(*std::ranges::find_if(now.relations, [&](const wire::Relation& relation) {
      return QualifiedName{relation.schema, relation.name} == table.source;
    }));
  }
  const Seam no_seam;
  apply::TableSet table_set{config_, &stop_, start.same_database, start.replica_role, no_seam, start.ledger,
                            target,  wanted};
  std::vector<QualifiedName> waiting;
  waiting_for_target_.clear();
  for (const auto& relation : wanted) {
    const QualifiedName table{relation.schema, relation.name};
    auto differences = table_set.misfits(relation, Lsn{});
    if (differences.empty()) {
      auto rows = rows_in_the_way(config_, table, entries, target);
      if (!rows) {
        waiting.push_back(table);
        start.ledger.forget_columns(relation.oid);
        continue;
      }
      if (needed && needed->table == table) throw apply::HeldAt{needed->lsn};
      differences.push_back(std::move(*rows));
    }
    if (needed && needed->table == table)
      throw apply::Surveyed{{.transaction = {},
                             .relations = {relation},
                             .inserts_into = {relation.serial},
                             .rewritten = {},
                             .announced = {}}};
    log::warning(text_of(differences.front().name),
                 "the copy waits until the target's table fits; so does the stream from the table's first change on",
                 {{"relation", table.display()}, {"difference", differences.front().text}});
    waiting_for_target_[table] = look_of_target(target, config_, table);
  }
  if (waiting.empty()) return entries;
  board_.update([&](Status& status) {
    auto known = table_status(config_, start.ledger.known());
    status.received_lsn = status.applied_lsn = status.confirmed_lsn = now.progress->position;
    status.replica_role = start.replica_role;
    copy::show(entries, status.applied_lsn, config_.copy.enabled, known);
    status.tables = std::move(known);
  });
  copy::Copier{start, board_, finish_, stop_}.run(waiting);
  const auto report = copy::sync_sequences(config_, source, target, waiting);
  for (const auto& sentence : report.set) log::info("sequence_set", sentence);
  for (const auto& sentence : report.not_set) log::warning("sequence_not_set", sentence);
  return copy::read_entries(target, config_.pipeline);
}

void Session::run_once(const std::optional<apply::CopyNeeded>& needed) {
  auto target = apply::open_target(config_, &stop_);
  auto replication = stream::open_replication(config_, &stop_);
  replication.set_phase("check");
  target.set_phase("check");
  auto now = look_around(config_, replication, target);
  throw_errors(check_positions(config_, now));
  for (const auto& sentence : ensure_registered(config_, now, target)) log::info("initialised", sentence);
  lock_or_throw(target, config_.pipeline, finish_);
  apply::announce_service(target, config_.pipeline);

  // The previous service may have moved on while we waited for its lock.
  now.progress = apply::read_progress(target, config_.pipeline);
  now.slot = stream::find_slot(replication, config_.source.slot);
  auto remembered = apply::read_known_tables(target, config_.pipeline);
  auto findings = check_positions(config_, now);
  const auto may_wait = tables_that_may_wait(config_, now, copy::read_entries(target, config_.pipeline));
  auto mapping = check_mapping(config_, now, may_wait, target);
  // Once the stream has begun, what does not fit is a gate at its first change, and not before.
  if (has_begun(now, remembered)) may_wait_at_gate(mapping);
  for (auto more :
       {std::move(mapping), check_source(config_, replication), check_room_for_mirror(config_, replication)}) {
    findings.insert(findings.end(), more.begin(), more.end());
  }
  throw_errors(findings);
  for (const auto& finding : findings) {
    if (finding.severity != Severity::warning || history_.durable.is_set())
      continue;  // said once, not at each reconnect
    log::warning(text_of(finding.name), finding.finding, {{"object", finding.object}, {"remedy", finding.remedy}});
  }

  const auto mode = commit_mode(now, target);
  const auto claim = apply::claim_pipeline(target, config_.pipeline, now.slot->transactions, now.same_cluster());
  if (!history_.may_be_at(claim.position)) {
    throw Error{
        Failure{.name = ErrorName::commit_unknown,
                .message = fmt::format("target stands at {}, where this service has not left it (it was durable at {})",
                                       claim.position.text(), history_.durable.text()),
                .remedy = "find out who changed walgate.progress, or whether the target was restored",
                .phase = "check"}};
  }
  history_.boundaries.clear();
  history_.set_durable(claim.position);

  apply::ApplierStart start{.claim = claim,
                            .skips = apply::requested_skips(target, config_.pipeline),
                            .migrations = applied_migrations(config_, target),
                            .standing_error = std::nullopt,
                            .replica_role = now.registration->replica_role,
                            .encoding = now.source.encoding,
                            .same_cluster = now.same_cluster(),
                            .awaited = stream::is_synchronous_standby(now.source),
                            .commit_mode = mode};
  const auto standing = apply::standing_error(target, config_.pipeline);
  if (standing && standing->lsn) {
    start.standing_error = standing->lsn;
  } else if (standing) {
    apply::clear_error(target, config_.pipeline);  // what stopped us at the start holds no more
  }
  if (start.replica_role) target.exec("SET session_replication_role = replica");
  apply::set_commit_mode(target, mode);
  if (now.may_mark_origin) apply::mark_commits(config_, target, config_.pipeline);

  TableLedger ledger{std::move(remembered),
                     [&](const KnownTables& tables) {
                       auto session = apply::open_target(config_, &stop_);
                       session.exec(watch_limits);
                       apply::write_known_tables(session, config_.pipeline, claim.epoch, tables);
                     },
                     config_.on_new_table == OnNewTable::ignore};
  gate_start_.same_database = now.same_database();
  gate_start_.replica_role = start.replica_role;
  SourceMonitor monitor{config_, ledger, &stop_};
  monitor.look_at_tables(board_);
  gate_start_.not_copied = tables_without_columns(now, ledger.known());
  const copy::CopierStart copier_start{.config = config_,
                                       .epoch = claim.epoch,
                                       .encoding = now.source.encoding,
                                       .replica_role = start.replica_role,
                                       .same_database = now.same_database(),
                                       .may_mark_origin = now.may_mark_origin,
                                       .awaited = start.awaited,
                                       .commit_mode = mode,
                                       .ledger = ledger};
  auto copies = copy_tables(now, copier_start, needed, monitor.connection(), target);
  const auto copied = has_after_copy(config_, target) && !after_copy_failed_ ? end_of_copies(copies) : std::nullopt;
  auto seam = copy::seam_of(copies);
  if (config_.copy.enabled) seam.close();
  if (needed && seam.lacks(needed->table)) decide_on(needed->table, ledger.known(), monitor.has_looked(), seam);
  monitor.set_copies(std::move(copies));
  board_.update([&](Status& status) {
    if (!status.gate || !status.gate->lsn) pass_gate(status);  // else it is on its way back there
    status.received_lsn = status.applied_lsn = status.confirmed_lsn = claim.position;
    status.source_lsn = now.source.flushed;
    status.lag.bytes = status.source_lsn.value - std::min(status.source_lsn.value, status.applied_lsn.value);
    status.retained_wal_bytes = status.source_lsn.value - std::min(status.source_lsn.value, now.slot->restart.value);
    status.replica_role = start.replica_role;
    if (!start.standing_error) status.error.reset();
  });
  monitor.look_at_tables(board_);
  log::info("streaming", "streaming from the slot",
            {{"slot", config_.source.slot},
             {"lsn", claim.position},
             {"epoch", claim.epoch},
             {"tables", board_.snapshot().tables.size()},
             {"replica_role", start.replica_role ? "yes" : "no"},
             {"synchronous_commit", text_of(mode)}});

  Outcome outcome;
  Event receiver_finish;
  Event applier_finish;
  PieceQueue queue{config_.limits.queue_bytes};
  Acknowledgement acknowledgement{claim.position};
  std::optional<Mirroring> mirroring;
  if (config_.kafka.is_on()) {
    mirroring.emplace(config_, now, replication, target, acknowledgement, board_, stop_);
    start.feed = &mirroring->feed();
  }
  apply::TableSet table_set{config_, &stop_, now.same_database(), start.replica_role, seam,
                            ledger,  target, now.relations,       history_.becoming};
  table_set.remember(now.relations, monitor.insert_position());
  // Keyed statements over arrays are to find their rows by index whatever the statistics say; triggers keep their
  // plans.
  if (!table_set.any_fires()) {
    target.exec(
        "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; "
        "SET enable_bitmapscan = off; SET enable_material = off; SET enable_memoize = off");
  }
  apply::use_encoding(target, now.source.encoding);
  if (PQsetClientEncoding(replication.handle(), now.source.encoding.c_str()) != 0) replication.throw_lost();
  const auto start_streaming = wire::Encoding{now.source.encoding}.from_utf8(
      stream::start_command(config_, config_.source.slot, claim.position));
  // Declared before the applier: its decoder owns the relations that the pieces point to.
  std::optional<stream::Receiver> receiver;
  apply::Applier applier{std::move(target), std::move(table_set), config_, start, seam, queue, acknowledgement, board_,
                         history_,          applier_finish};
  receiver.emplace(postgres::ReplicationStream{std::move(replication), start_streaming}, claim.position, queue,
                   acknowledgement, board_, receiver_finish);
  // Until the slot was ours, others could move it, and a start below its position is forwarded in silence.
  now.slot = monitor.slot();
  throw_errors(check_positions(config_, now));

  struct EndMirror {  // before the receiver goes, whose relations its pieces name
    std::optional<Mirroring>& mirroring;
    ~EndMirror() {
      if (mirroring) mirroring->finish();
    }
  } const end_mirror{mirroring};
  if (mirroring) mirroring->start();

  std::jthread applying{[&] {
    try {
      applier.run();
    } catch (const postgres::Interrupted&) {  // asked to leave, or the rest of a transaction will not come
    } catch (...) {
      outcome.fail(std::current_exception());
    }
    outcome.applier_ended();
  }};
  std::jthread receiving{[&] {
    try {
      outcome.receiver_ended(receiver->run());
    } catch (...) {
      outcome.fail(std::current_exception());
    }
  }};
  // Whatever happens below, both threads are told to leave before they are joined.
  struct Leave {
    Event& receiver;
    Event& applier;
    ~Leave() {
      receiver.set();
      applier.set();
    }
  } const leave{receiver_finish, applier_finish};

  std::optional<Failure> source_left;
  CopyRequests requests{config_, gate_start_.not_copied, waiting_for_target_, &stop_};
  bool copy_again = false;
  bool after_copy = false;
  auto next_look = std::chrono::steady_clock::now();
  while (!outcome.error() && !outcome.applier_done() && !stop_.is_set()) {
    if (finish_.is_set()) {
      applier_finish.set();
    } else if (const auto end = outcome.receiver(); end && !source_left) {
      // What has arrived whole is still applied; the source may go.
      source_left = *end == stream::Receiver::End::let_go
                        ? Failure{.name = ErrorName::target_stalled,
                                  .recovery = Recovery::retry,
                                  .message = "target has answered nothing for 30 s; let go of the slot",
                                  .phase = "apply"}
                        : Failure{.name = ErrorName::connection_lost,
                                  .recovery = Recovery::retry,
                                  .message = "source ended the stream",
                                  .phase = "receive"};
      receiver->release();
      queue.close();
      log::warning(text_of(source_left->name), source_left->message);
    } else if (!source_left && std::chrono::steady_clock::now() >= next_look) {
      next_look = std::chrono::steady_clock::now() + 1s;
      copy_again = copy_again || requests.any();
      after_copy = after_copy || (copied && board_.snapshot().applied_lsn >= *copied);
      if (copy_again || after_copy) applier_finish.set();
      try {
        monitor.look(board_, queue);
      } catch (const Error& error) {  // the source ends ordinary sessions first, and then waits for us
        source_left = error.failure();
        receiver_finish.set();
        receiving.join();
        receiver->release();
        queue.close();
        log::warning(text_of(source_left->name), source_left->message);
      }
    }
    auto descriptors = std::to_array<pollfd>({{outcome.changed().descriptor(), POLLIN, 0},
                                              {stop_.descriptor(), POLLIN, 0},
                                              {finish_.is_set() ? -1 : finish_.descriptor(), POLLIN, 0},
                                              {source_left ? -1 : monitor.socket(), POLLIN, 0}});
    wait_for(descriptors, 1s);
    outcome.changed().clear();
    if (descriptors[3].revents != 0) next_look = std::chrono::steady_clock::time_point::min();
  }

  applier_finish.set();
  if (outcome.error() && receiving.joinable() &&
      !outcome.receiver()) {  // the applier may have failed: do not keep the slot
    receiver_finish.set();
    receiving.join();
    receiver->release();
  }
  applying.join();
  if (mirroring) mirroring->finish();
  receiver_finish.set();  // only now: the applier's last commit is acknowledged first
  if (receiving.joinable()) receiving.join();
  receiver->release();
  if (const auto error = outcome.error()) std::rethrow_exception(error);
  if (stop_.is_set()) throw postgres::Interrupted{};
  if (finish_.is_set()) {
    remember_slot();
    return;
  }
  if (source_left) throw Error{*source_left};
  if (copy_again) throw CopyAsked{};
  if (after_copy) throw AfterCopy{};
  throw Error{
      Failure{.name = ErrorName::internal_error, .message = "applier ended without a reason", .phase = "apply"}};
}

void Session::remember_slot() {
  // So that a slot that is found elsewhere at the next start can be explained.
  auto source = stream::open_monitor(config_, &stop_);
  const auto slot = stream::find_slot(source, config_.source.slot);
  auto target = apply::open_target(config_, &stop_);
  if (slot) apply::record_slot_transactions(target, config_.pipeline, slot->transactions);
}

}  // namespace walgate::service
