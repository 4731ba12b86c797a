#include "copy/copier.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ranges>
#include <thread>

#include "apply/known_tables.hpp"
#include "copy/progress_line.hpp"
#include "observe/log.hpp"
#include "stream/source_session.hpp"

namespace walgate::copy {

namespace {

using namespace std::chrono_literals;
using postgres::rows;
using postgres::text_field;

/// 64 MB of a table are one target transaction.
constexpr std::uint64_t usual_range_blocks = 8192;
/// Small tables share a snapshot: fewer waits, and no lock for long.
constexpr std::size_t most_tables_of_group = 100;
/// So much that the workers' last ranges are a small part of it.
constexpr std::uint64_t ranges_of_worker = 4;
constexpr auto look_interval = 500ms;
constexpr auto log_interval = 5s;

/// Tests make ranges small.
std::uint64_t range_blocks() {
  const char* const text = std::getenv("WALGATE_COPY_RANGE_BLOCKS");
  const auto blocks = text == nullptr ? 0ULL : std::strtoull(text, nullptr, 10);
  return blocks == 0 ? usual_range_blocks : blocks;
}

bool is_wanted(const Entry& entry) {
  return entry.state == State::waiting || entry.state == State::copying;
}

}  // namespace

Copier::Copier(const CopierStart& start, StatusBoard& board, const Event& finish, const Event& stop)
    : start_{start},
      config_{start.config},
      board_{board},
      finish_{finish},
      stop_{stop},
      throttle_{config_.copy.rows_per_second},
      worker_start_{config_, start.epoch, start.encoding, start.replica_role, throttle_, abandon_},
      target_{open_target()} {
  may_make_tables_ = bool_field(
      target_.exec("SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY')"), 0, 0);
}

postgres::Connection Copier::open_target() {
  auto target = apply::open_target(config_, &abandon_);
  target.set_phase("copy");
  // The source may be slow between two tables of a transaction.
  target.exec("SET idle_in_transaction_session_timeout = '10min'");
  if (start_.replica_role) target.exec("SET session_replication_role = replica");
  apply::set_commit_mode(target, start_.commit_mode);
  // Sessions cannot share an origin; no pipeline has a name with blanks.
  if (start_.may_mark_origin) {
    apply::mark_commits(config_, target, fmt::format("{} copy {}", config_.pipeline, sessions_++));
  }
  return target;
}

void Copier::drop_origins() {
  workers_.clear();
  target_ = apply::open_target(config_, &stop_);
  // The sessions may take a moment to end.  What stays is used again by the next copy.
  for (int tries = 0; tries < 100 && !apply::drop_copy_origins(target_, config_.pipeline); ++tries) {
    auto descriptors = std::to_array<pollfd>({{stop_.descriptor(), POLLIN, 0}});
    if (wait_for(descriptors, 50ms)) return;
  }
}

void Copier::run(const std::vector<QualifiedName>& tables) {
  entries_ = read_entries(target_, config_.pipeline);
  std::vector<QualifiedName> wanted;
  for (const auto& table : tables) {
    const auto found = entries_.find(table);
    if (found != entries_.end() && is_wanted(found->second)) wanted.push_back(table);
  }
  if (wanted.empty()) return;
  for (const auto& table : wanted) {
    auto& progress = progress_[table];
    progress.rows = entries_[table].rows;
    progress.bytes = entries_[table].bytes;
    rows_at_start_ += progress.rows;
  }
  std::jthread copying{[&] {
    try {
      copy_all(wanted);
    } catch (const postgres::Interrupted&) {
    } catch (...) {
      const std::lock_guard lock{mutex_};
      if (!error_) error_ = std::current_exception();
    }
    done_.set();
  }};
  try {
    watch();
  } catch (...) {
    const std::lock_guard lock{mutex_};
    if (!error_) error_ = std::current_exception();
  }
  if (!done_.is_set()) abandon_.set();
  copying.join();
  board_.update([](Status& status) { status.copy.reset(); });
  if (error_) std::rethrow_exception(error_);
  if (abandon_.is_set()) throw postgres::Interrupted{};
  if (start_.may_mark_origin) drop_origins();
}

// The thread that copies

void Copier::copy_all(const std::vector<QualifiedName>& tables) {
  holder_.emplace(config_, abandon_, start_.awaited, [&](const std::string& what) {
    const std::lock_guard lock{mutex_};
    if (!what.empty() && what != waiting_) {
      log::info("copy_waiting", "waits on the source before the snapshot is taken", {{"for", what}});
    }
    waiting_ = what;
  });
  // Only after this the publications are read for good, with each group's snapshot.
  holder_->wait_for_running();
  const auto sizes = holder_->first_look(tables);
  std::uint64_t estimated = 0;
  for (const auto& [table, size] : sizes) {
    progress_.at(table).estimated = size.rows;
    estimated += size.rows;
  }
  log::info("copy_started", "copies what the source's tables hold",
            {{"tables", tables.size()}, {"rows_estimated", estimated}, {"workers", config_.copy.workers}});
  make_room(holder_->relations(tables));
  for (const auto& group : groups(tables, sizes)) copy_group(group);
  std::uint64_t copied = 0;
  for (const auto& [table, progress] : progress_) copied += progress.rows;
  log::info("copy_finished", "all tables are copied; the stream brings what happened since",
            {{"tables", tables.size()}, {"rows", copied}});
}

std::vector<std::vector<QualifiedName>> Copier::groups(const std::vector<QualifiedName>& tables,
                                                       const Sizes& sizes) const {
  // Where foreign keys are checked, a row that is newer than its parent's snapshot would be refused.
  if (!start_.replica_role) return {tables};
  const auto most_blocks = range_blocks() * config_.copy.workers * ranges_of_worker;
  std::vector<std::vector<QualifiedName>> groups;
  std::uint64_t blocks = 0;
  for (const auto& table : tables) {
    const auto more = sizes.at(table).blocks();
    if (groups.empty() || groups.back().size() >= most_tables_of_group || blocks + more > most_blocks) {
      groups.emplace_back();
      blocks = 0;
    }
    groups.back().push_back(table);
    blocks += more;
  }
  return groups;
}

TakenSnapshot Copier::enter_snapshot(const std::vector<QualifiedName>& tables) {
  while (workers_.size() < config_.copy.workers) add_worker();
  for (;;) {
    auto snapshot = holder_->take(tables);
    if (std::ranges::all_of(workers_, [&](auto& worker) { return worker->enter(snapshot); })) return snapshot;
    for (auto& worker : workers_) worker->leave();
    holder_->wait_for_lock(tables);
  }
}

void Copier::copy_group(const std::vector<QualifiedName>& tables) {
  const auto snapshot = enter_snapshot(tables);
  {
    const std::lock_guard lock{mutex_};
    snapshot_taken_ = Clock::now();
  }
  const auto jobs = make_jobs(tables, snapshot);
  const bool checked =
      !start_.replica_role && std::ranges::any_of(jobs, [](const auto& job) { return job->has_foreign_keys; });
  if (checked || config_.copy.existing_rows == ExistingRows::keep) {
    copy_whole(jobs, snapshot);
  } else {
    copy_in_ranges(jobs, snapshot);
  }
  for (auto& worker : workers_) worker->leave();
  holder_->release();
  {
    const std::lock_guard lock{mutex_};
    snapshot_taken_.reset();
  }
  for (const auto& job : jobs) {
    job->progress->state = State::copied;
    log::info("table_copied", "the table is copied",
              {{"relation", job->plan.source.display()},
               {"rows", job->progress->rows.load()},
               {"bytes", job->progress->bytes.load()},
               {"snapshot", snapshot.text},
               {"horizon", snapshot.horizon}});
  }
}

apply::TableSet Copier::table_set(const std::vector<wire::Relation>& relations) {
  return {config_, &abandon_, start_.same_database, start_.replica_role, no_seam_, start_.ledger, target_, relations};
}

Copier::Jobs Copier::make_jobs(const std::vector<QualifiedName>& tables, const TakenSnapshot& snapshot) {
  const auto relations = holder_->relations(tables);
  auto sizes = holder_->sizes(tables);
  const auto filters = holder_->filters();
  const auto xml_arrays = holder_->xml_arrays();
  auto planned = table_set(relations);
  Jobs jobs;
  for (const auto& relation : relations) {
    const QualifiedName name{relation.schema, relation.name};
    auto& table = planned.table(relation, snapshot.horizon);
    if (table.plan.left_out) continue;
    auto job = std::make_unique<TableJob>();
    job->relation = relation;
    job->plan = table.plan;
    job->order = table.order;
    job->rank = planned.fill_rank(table.plan);
    job->xml_arrays = xml_arrays;
    job->parts = std::move(sizes.at(name).parts);
    if (const auto filter = filters.find(name); filter != filters.end()) job->filter = filter->second;
    job->passed_on = table.copy && table.plan.on_duplicate == OnDuplicate::stop;
    job->has_foreign_keys = planned.has_foreign_keys(table.plan);
    job->progress = &progress_.at(name);
    job->entry = entries_.at(name);
    jobs.push_back(std::move(job));
  }
  if (const auto held = planned.take_unwritten(); !held.empty()) {
    begin_on_target();
    target_.exec(std::string{apply::store_held_tables},
                 {config_.pipeline, apply::json_of(held), std::to_string(start_.epoch)});
    target_.exec("COMMIT");
  }
  return jobs;
}

void Copier::begin_on_target() {
  target_.exec("BEGIN");
  target_.exec("SELECT walgate.hold($1, $2)", {config_.pipeline, std::to_string(start_.epoch)});
}

void Copier::make_room(const std::vector<wire::Relation>& relations) {
  auto planned = table_set(relations);
  const auto position = holder_->position();
  std::vector<Emptied> emptied;
  std::vector<QualifiedName> sources;
  for (const auto& relation : relations) {
    const QualifiedName name{relation.schema, relation.name};
    const auto& entry = entries_.at(name);
    const auto& table = planned.table(relation, position);
    const bool wanted = entry.again || config_.copy.existing_rows == ExistingRows::truncate;
    if (table.plan.left_out || entry.state != State::waiting || !wanted) continue;
    emptied.push_back({table.plan.target, table.plan.only(), planned.fill_rank(table.plan)});
    sources.push_back(name);
  }
  if (emptied.empty()) return;
  begin_on_target();
  empty(std::move(emptied));
  mark_emptied(target_, config_.pipeline, sources);
  target_.exec("COMMIT");
}

void Copier::empty(std::vector<Emptied> tables) {
  std::vector<std::string> names;
  for (const auto& table : tables) names.push_back(table.only);
  if (!start_.replica_role) refuse_referred(tables);
  target_.exec("SAVEPOINT emptying");
  const auto truncated = target_.try_exec(fmt::format("TRUNCATE {}", fmt::join(names, ", ")));
  if (PQresultStatus(truncated.get()) != PGRES_FATAL_ERROR) return;
  // Foreign keys of other tables point here, or the role may not.
  const auto state = postgres::field_of(truncated.get(), PG_DIAG_SQLSTATE);
  if (state != "0A000" && state != "42501") target_.throw_result(truncated.get());
  target_.exec("ROLLBACK TO SAVEPOINT emptying");
  if (!start_.replica_role) target_.exec("SET CONSTRAINTS ALL DEFERRED");
  std::ranges::stable_sort(tables, std::ranges::greater{}, &Emptied::rank);
  for (const auto& table : tables) target_.exec(fmt::format("DELETE FROM {}", table.only));
}

void Copier::refuse_referred(const std::vector<Emptied>& tables) {
  std::vector<QualifiedName> names;
  for (const auto& table : tables) names.push_back(table.target);
  for (const auto& [name, table] : apply::read_tables(target_, names)) {
    for (const auto& key : table.referring_keys) {
      if (std::ranges::find(names, key.table) != names.end()) continue;
      throw Error{Failure{.name = ErrorName::copy_refused,
                          .message = fmt::format(
                              "{} cannot be emptied for its copy: {} refers to it by foreign key {}, which is checked",
                              name.display(), key.table.display(), display_identifier(key.name)),
                          .remedy = "drop the key until the copy is done, or let the role use session_replication_role",
                          .phase = "copy"}};
    }
  }
}

void Copier::copy_in_ranges(const Jobs& jobs, const TakenSnapshot& snapshot) {
  begin_on_target();
  std::vector<Begun> begun;
  std::vector<Task> bringing_up;
  for (const auto& owned : jobs) {
    auto* const job = owned.get();
    job->progress->state = State::copying;
    if (job->is_resumable() && may_make_tables_) {
      bringing_up.emplace_back([job, &snapshot](Worker& worker) { worker.bring_up(*job, snapshot); });
      continue;
    }
    if (job->entry.state == State::copying) {
      if (!job->entry.done.empty()) {
        log::info(
            "copy_restarted", "a copy that was broken off begins anew",
            {{"relation", job->plan.source.display()},
             {"reason", job->entry.fingerprint != job->fingerprint() ? "the table or what is copied of it has changed"
                        : may_make_tables_ ? "its rows cannot be told apart without a key that travels unchanged"
                                           : "the role may not make temporary tables on the target"}});
        empty({{job->plan.target, job->plan.only(), job->rank}});
      }
    }
    job->entry.done.clear();
    job->progress->rows = 0;
    job->progress->bytes = 0;
    begun.push_back({job->plan.source, job->fingerprint(), job->progress->estimated});
  }
  mark_copying(target_, config_.pipeline, begun, snapshot.text, snapshot.horizon);
  target_.exec("COMMIT");

  // What is newer must not meet what is gone since.
  work(std::move(bringing_up));
  std::vector<Task> ranges;
  for (const auto& job : jobs) {
    for (const auto& range : job->missing_ranges(range_blocks())) {
      ranges.emplace_back([job = job.get(), range](Worker& worker) { worker.copy_range(*job, range); });
    }
  }
  work(std::move(ranges));

  std::vector<QualifiedName> names;
  for (const auto& job : jobs) names.push_back(job->plan.source);
  begin_on_target();
  mark_copied(target_, config_.pipeline, names);
  target_.exec("COMMIT");
}

void Copier::copy_whole(const Jobs& jobs, const TakenSnapshot& snapshot) {
  std::vector<TableJob*> all;
  std::vector<Emptied> begun;  // in ranges, under another configuration
  std::vector<QualifiedName> names;
  for (const auto& job : jobs) {
    all.push_back(job.get());
    if (job->entry.state != State::copying) continue;
    begun.push_back({job->plan.target, job->plan.only(), job->rank});
    names.push_back(job->plan.source);
  }
  if (!begun.empty()) {
    begin_on_target();
    empty(std::move(begun));
    mark_waiting(target_, config_.pipeline, names);
    target_.exec("COMMIT");
  }
  std::ranges::stable_sort(all, {}, &TableJob::rank);
  std::vector<Task> tasks;
  if (start_.replica_role) {
    for (auto* job : all) {
      tasks.emplace_back([job, &snapshot](Worker& worker) { worker.copy_tables({job}, snapshot); });
    }
  } else {
    tasks.emplace_back([all, &snapshot](Worker& worker) { worker.copy_tables(all, snapshot); });
  }
  work(std::move(tasks));
}

void Copier::add_worker() {
  auto target = open_target();
  apply::use_encoding(target, start_.encoding);
  workers_.push_back(
      std::make_unique<Worker>(worker_start_, stream::open_reader(config_, &abandon_), std::move(target)));
}

void Copier::work(std::vector<Task> tasks) {
  std::mutex mutex;
  std::size_t next = 0;
  std::exception_ptr error;
  const auto run = [&](Worker& worker) {
    for (;;) {
      Task task;
      {
        const std::lock_guard lock{mutex};
        if (error || next == tasks.size()) return;
        task = std::move(tasks[next++]);
      }
      try {
        task(worker);
      } catch (...) {
        const std::lock_guard lock{mutex};
        if (!error) error = std::current_exception();
        return;
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < std::min(workers_.size(), tasks.size()); ++i) {
      threads.emplace_back(run, std::ref(*workers_[i]));
    }
    if (!tasks.empty()) run(*workers_.front());
  }
  if (error) std::rethrow_exception(error);
}

// The thread that watches

void Copier::watch() {
  board_.update([](Status& status) {
    status.state = ServiceState::copying;
    status.since = std::chrono::system_clock::now();
    status.reason.reset();
    status.next_step.reset();
  });
  const ProgressLine line;
  auto next_log = Clock::now() + log_interval;
  for (;;) {
    auto descriptors = std::to_array<pollfd>(
        {{done_.descriptor(), POLLIN, 0}, {finish_.descriptor(), POLLIN, 0}, {stop_.descriptor(), POLLIN, 0}});
    const bool woken = wait_for(descriptors, look_interval);
    ask_who_waits();
    const bool log_now = Clock::now() >= next_log;
    if (log_now) next_log = Clock::now() + log_interval;
    tell(log_now && !line.is_shown());
    if (const auto copy = board_.snapshot().copy) line.show(copy->rows, copy->rows_estimated, copy_text(*copy));
    if (woken) return;
  }
}

void Copier::tell(bool log) {
  CopyStatus copy;
  {
    const std::lock_guard lock{mutex_};
    if (!waiting_.empty()) copy.waiting_for = waiting_;
    if (snapshot_taken_) {
      const auto age = Clock::now() - *snapshot_taken_;
      copy.snapshot_age_seconds =
          static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(age).count());
      if (config_.copy.max_snapshot_age.count() > 0 && age > config_.copy.max_snapshot_age) {
        throw Error{Failure{.name = ErrorName::copy_snapshot_too_old,
                            .message = fmt::format("the copy's snapshot is older than {} s",
                                                   std::chrono::duration_cast<std::chrono::seconds>(age).count()),
                            .phase = "copy"}};
      }
    }
  }
  std::uint64_t done = 0;
  for (const auto& [table, progress] : progress_) {
    const std::uint64_t rows = progress.rows;
    copy.rows += rows;
    copy.bytes += progress.bytes;
    // An estimate that was too low is corrected by what there is.
    const bool is_copied = progress.state == State::copied;
    copy.rows_estimated += is_copied ? rows : std::max<std::uint64_t>(progress.estimated, rows);
    if (is_copied) ++done;
  }
  const auto seconds = std::chrono::duration<double>(Clock::now() - began_).count();
  const auto now = copy.rows - std::min(copy.rows, rows_at_start_);
  copy.rows_per_second = static_cast<std::uint64_t>(static_cast<double>(now) / std::max(seconds, 0.001));
  if (copy.rows_per_second > 0) copy.eta_seconds = (copy.rows_estimated - copy.rows) / copy.rows_per_second;
  copy.blocked = blocked_;
  std::optional<std::uint64_t> retained;
  board_.update([&](Status& status) {
    status.copy = copy;
    retained = status.retained_wal_bytes;
    for (auto& table : status.tables) {
      const auto found = std::ranges::find(progress_, table.source, [](const auto& p) { return p.first.display(); });
      if (found == progress_.end()) continue;
      table.state = text_of(found->second.state);
      table.rows_copied = found->second.rows.load();
      table.rows_estimated = found->second.estimated.load();
    }
  });
  if (!log) return;
  log::info("copy_progress", copy_text(copy),
            {{"rows", copy.rows},
             {"rows_estimated", copy.rows_estimated},
             {"bytes", copy.bytes},
             {"rows_per_second", copy.rows_per_second},
             {"tables", fmt::format("{}/{}", done, progress_.size())},
             {"retained_wal_bytes", retained.value_or(0)}});
}

void Copier::ask_who_waits() {
  try {
    if (!monitor_) {
      monitor_.emplace(stream::open_monitor(config_, &stop_));
      monitor_->exec("SET statement_timeout = '5s'");
    }
    const auto result = monitor_->exec(
        "SELECT 'process ' || w.pid || ' for ' || w.mode || ' on ' || w.relation::regclass "
        "FROM pg_catalog.pg_locks w WHERE NOT w.granted AND w.locktype = 'relation' AND EXISTS ("
        "SELECT FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) b(pid) "
        "JOIN pg_catalog.pg_locks h ON h.pid = b.pid AND h.relation = w.relation AND h.granted "
        "AND h.mode = 'AccessShareLock' JOIN pg_catalog.pg_stat_activity a ON a.pid = h.pid "
        "WHERE a.application_name = pg_catalog.current_setting('application_name'))");
    std::vector<std::string> blocked;
    for (int row = 0; row < rows(result); ++row) blocked.push_back(text_field(result, row, 0));
    for (const auto& session : blocked) {
      if (std::ranges::find(blocked_, session) != blocked_.end()) continue;
      log::warning("copy_keeps_waiting", "a session of the source waits until the copy lets go of a table",
                   {{"session", session}});
    }
    blocked_ = std::move(blocked);
    const auto retained = monitor_->exec(
        "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), restart_lsn)::bigint, "
        "pg_catalog.pg_current_wal_flush_lsn() FROM pg_catalog.pg_replication_slots WHERE slot_name = $1",
        {config_.source.slot});
    if (rows(retained) == 0) return;
    board_.update([&](Status& status) {
      status.source_lsn = lsn_field(retained, 0, 1);
      status.retained_wal_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_field(retained, 0, 0)));
    });
  } catch (const Error& error) {  // the copy itself will say what is wrong with the source
    log::debug("copy_watch", error.failure().message);
    monitor_.reset();
  }
}

}  // namespace walgate::copy
