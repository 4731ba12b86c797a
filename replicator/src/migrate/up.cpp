#include "migrate/up.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <thread>

#include "migrate/index_state.hpp"
#include "migrate/ledger.hpp"
#include "migrate/plan.hpp"
#include "migrate/session.hpp"
#include "migrate/statements.hpp"

namespace walgate::migrate {

namespace {

using Clock = std::chrono::steady_clock;
using postgres::Connection;

/// How often a file is tried whose locks are not to be had; the pauses between grow from lock_timeout to its eightfold.
constexpr int most_attempts = 5;

std::chrono::milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

void set_lock_timeout(Connection& session, std::chrono::milliseconds time) {
  session.exec(fmt::format("SET lock_timeout = {}", time.count()));
}

/// Leaves the open transaction, if there is one and the session still answers.
void roll_back(Connection& session) {
  const auto status = PQtransactionStatus(session.handle());
  if (status == PQTRANS_INTRANS || status == PQTRANS_INERROR) session.exec("ROLLBACK");
}

bool helps_to_wait(const Error& error) {
  return error.failure().name == ErrorName::lock_not_available ||
         error.failure().name == ErrorName::serialization_failure;  // a deadlock
}

/// Throws Interrupted when `stop` is set before the time is over.
void pause_for(std::chrono::milliseconds time, const Event* stop) {
  if (stop == nullptr) return std::this_thread::sleep_for(time);
  auto descriptors = std::to_array<pollfd>({{stop->descriptor(), POLLIN, 0}});
  if (wait_for(descriptors, time)) throw postgres::Interrupted{};
}

/// Runs `attempt` until it succeeds, or fails for another reason than a lock, or has failed often enough.
template <typename Attempt>
void with_patience(Connection& session, const Config& config, const UpOptions& options, const UpObserver& observer,
                   Attempt attempt) {
  auto pause = config.migrations.lock_timeout;
  for (int count = 1;; ++count, pause *= 2) {
    try {
      return attempt();
    } catch (Error& error) {
      roll_back(session);
      if (!helps_to_wait(error)) throw;
      if (count == most_attempts) {
        error.failure().detail = fmt::format("tried {} times, with lock_timeout {} ms", most_attempts,
                                             config.migrations.lock_timeout.count());
        throw;
      }
      if (observer.note) {
        observer.note(fmt::format("{}; trying again in {} ms", error.failure().message, pause.count()));
      }
    }
    pause_for(pause, options.stop);
  }
}

/// One transaction with the row of the ledger; it is rolled back at once when we are to leave.
void apply_in_transaction(Connection& session, const Config& config, const MigrationFile& file,
                          std::optional<Lsn> source_lsn) {
  try {
    session.exec("BEGIN");
    set_lock_timeout(session, config.migrations.lock_timeout);
    run_in_transaction(session, file);
    reset_session(session);
    record_applied(session, config.pipeline, file, source_lsn);
    session.exec("COMMIT");
  } catch (const postgres::Interrupted&) {
    session.cancel();
    throw;
  }
}

[[noreturn]] void throw_invalid(const MigrationFile& file, const InvalidIndex& index) {
  throw Error{Failure{.name = ErrorName::index_invalid,
                      .message = fmt::format(
                          "{}: index {} of {} is there and invalid: an earlier run failed or was cut off",
                          file.place(file.statements.front().span.begin), index.index.display(), index.table.display()),
                      .remedy = fmt::format("run {}, then `walgate migrate up` again", index.remedy()),
                      .phase = "migrate"}};
}

/// What an earlier run or somebody else left under the name of the index.  True when it is what the file is to make.
bool index_is_there(Connection& session, const MigrationFile& file, bool begun_earlier) {
  const auto wanted = concurrent_index_of(file.statements.front());
  const auto found = wanted ? find_index(session, *wanted) : std::nullopt;
  if (!found) return false;
  if (!found->valid) throw_invalid(file, found->name);
  if (begun_earlier) return true;
  if (wanted->if_not_exists) return false;  // the server says the same
  throw Error{
      Failure{.name = ErrorName::migration_failed,
              .message = fmt::format("{}: index {} is there already", file.place(file.statements.front().span.begin),
                                     found->name.index.display()),
              .remedy = "drop or rename that index, or write CREATE INDEX CONCURRENTLY IF NOT EXISTS if it is "
                        "the one that is wanted",
              .phase = "migrate"}};
}

/// Adds to a failure which invalid indexes the statement has left.
void tell_of_new_invalid_indexes(Connection& session, const std::vector<InvalidIndex>& before, Failure& failure) {
  for (const auto& index : invalid_indexes(session)) {
    if (std::ranges::find(before, index) != before.end()) continue;
    failure.detail += fmt::format("{}index {} of {} is left behind invalid", failure.detail.empty() ? "" : "; ",
                                  index.index.display(), index.table.display());
    failure.remedy =
        fmt::format("run {}, mend what the message names, then run `walgate migrate up` again", index.remedy());
  }
}

/// May the statement be run again after a run that perhaps did its work?  It does no harm, or the server refuses it.
bool is_harmless_twice(const Statement& statement) {
  constexpr auto words = std::to_array<std::string_view>({"vacuum", "analyze", "reindex", "cluster", "drop"});
  return concurrent_index_of(statement) || std::ranges::find(words, statement.head.front()) != words.end();
}

/// Makes a failure the question whether a run that was cut off has done the work.
void ask_about_earlier_run(const Config& config, const MigrationFile& file, const LedgerRow& row, Failure& failure) {
  failure.name = ErrorName::migration_unfinished;
  failure.detail = fmt::format("a run that began at {} was cut off, and may have done the work", row.applied_at);
  failure.remedy = fmt::format(
      "look at the target; if the work is done: UPDATE walgate.migrations SET state = 'done' WHERE scope = '{0}' AND "
      "id = '{1}'; if it is not: DELETE FROM walgate.migrations WHERE scope = '{0}' AND id = '{1}', and run `walgate "
      "migrate up` again",
      scope_of(config.pipeline), file.id);
}

/// One statement outside of a transaction, between two rows of the ledger.  `earlier`: of a run that was cut off.  When
/// we are to leave, the server goes on with it, because half of it would have to be cleaned up by hand; the next run
/// waits for its end.
bool apply_outside(Connection& session, const Config& config, const MigrationFile& file, const LedgerRow* earlier,
                   std::optional<Lsn> source_lsn) {
  const auto& statement = file.statements.front();
  if (index_is_there(session, file, earlier != nullptr)) {
    record_end(session, config.pipeline, file);
    return true;
  }
  if (earlier != nullptr && !is_harmless_twice(statement)) {
    Failure failure{.name = ErrorName::migration_unfinished,
                    .message = fmt::format("{}: the statement was begun and is not run a second time",
                                           file.place(statement.span.begin)),
                    .phase = "migrate"};
    ask_about_earlier_run(config, file, *earlier, failure);
    throw Error{std::move(failure)};
  }
  const auto before = invalid_indexes(session);
  record_begin(session, config.pipeline, file, source_lsn);
  // What works concurrently waits for others without making anybody wait, and a time-out would leave a half of it.
  const bool waits_gently = std::ranges::find(statement.head, "concurrently") != statement.head.end();
  set_lock_timeout(session, waits_gently ? std::chrono::milliseconds{0} : config.migrations.lock_timeout);
  try {
    run_statement(session, file, statement);
  } catch (Error& error) {
    if (PQstatus(session.handle()) != CONNECTION_OK) throw;
    reset_session(session);
    tell_of_new_invalid_indexes(session, before, error.failure());
    if (earlier == nullptr) {
      forget_begin(session, config.pipeline, file);
    } else if (!helps_to_wait(error)) {
      ask_about_earlier_run(config, file, *earlier, error.failure());
    }
    throw;
  }
  reset_session(session);
  record_end(session, config.pipeline, file);
  return false;
}

/// Why a pending file is not to be run now; empty when it is.
std::string reason_to_leave(const MigrationFile& file, const UpOptions& options) {
  if (options.to && file.number > *options.to) return fmt::format("--to {:04}", *options.to);
  if (file.after_copy) return options.copy_missing;
  return {};
}

/// What is to be run, in order; what is not goes into the report.  Throws where files and ledger do not fit together.
std::vector<Migration> to_be_run(const std::vector<Migration>& all, const UpOptions& options, UpReport& report) {
  std::vector<Migration> wanted;
  report.left.clear();
  for (const auto& migration : all) {
    // A file may go once it has been applied everywhere; `verify` tells of it.
    if (auto objection = objection_to(migration); objection && migration.state != MigrationState::missing) {
      throw Error{std::move(*objection)};
    }
    if (migration.state != MigrationState::pending && migration.state != MigrationState::unfinished) continue;
    if (options.only_after_copy && !migration.file->after_copy) break;  // what comes after it would be out of order
    if (auto reason = reason_to_leave(*migration.file, options); !reason.empty()) {
      report.left.push_back({migration.file->id, std::move(reason)});
    } else {
      wanted.push_back(migration);
    }
  }
  return wanted;
}

void tell(const UpObserver& observer, UpReport& report, Applied applied) {
  if (observer.applied) observer.applied(applied);
  report.applied.push_back(std::move(applied));
}

/// Executes the files in the open transaction.
void try_files(Connection& session, Connection& lock_observer, const Config& config,
               const std::vector<Migration>& wanted, UpReport& tried) {
  std::set<HeldLock> held;
  for (const auto& migration : wanted) {
    const auto& file = *migration.file;
    if (!file.in_transaction) {
      tried.left.push_back({file.id, "runs outside of a transaction and cannot be tried"});
      continue;
    }
    const auto start = Clock::now();
    set_lock_timeout(session, config.migrations.lock_timeout);
    run_in_transaction(session, file);
    Applied applied{.id = file.id, .time = since(start)};
    const auto now = held_locks(lock_observer, PQbackendPID(session.handle()));
    std::ranges::set_difference(now, held, std::inserter(applied.locks, applied.locks.end()));
    held = now;
    tried.applied.push_back(std::move(applied));
    reset_session(session);
  }
}

}  // namespace

void up(const Config& config, const std::vector<MigrationFile>& files, const UpOptions& options,
        const UpObserver& observer, UpReport& report) {
  for (;;) {
    // A session for each file: what one sets, the next does not see.
    auto session = open_session(config, options.stop);
    lock_migrations(session, observer.note, options.stop);
    const auto ledger = read_ledger(session, config.pipeline);
    const auto wanted = to_be_run(compare(files, ledger), options, report);
    if (wanted.empty()) return;
    const auto& [state, file, row, later] = wanted.front();
    Applied applied{.id = file->id};
    const auto start = Clock::now();
    with_patience(session, config, options, observer, [&, file = file, row = row] {
      if (file->in_transaction) {
        apply_in_transaction(session, config, *file, options.source_lsn);
      } else {
        applied.found_done = apply_outside(session, config, *file, row, options.source_lsn);
      }
    });
    applied.time = since(start);
    tell(observer, report, std::move(applied));
  }
}

void dry_run(const Config& config, const std::vector<MigrationFile>& files, const UpOptions& options,
             const UpObserver& observer, UpReport& report) {
  auto session = open_session(config);
  auto lock_observer = open_session(config);
  lock_migrations(session, observer.note);
  const auto ledger = read_ledger(session, config.pipeline);
  const auto wanted = to_be_run(compare(files, ledger), options, report);
  UpReport tried;
  const auto publish = [&] {
    for (auto& applied : tried.applied) tell(observer, report, std::move(applied));
    std::ranges::move(tried.left, std::back_inserter(report.left));
    std::ranges::sort(report.left, {}, &Left::id);
  };
  try {
    with_patience(session, config, options, observer, [&] {
      tried = {};
      session.exec("BEGIN");
      try_files(session, lock_observer, config, wanted, tried);
      session.exec("ROLLBACK");
    });
  } catch (const Error&) {
    publish();
    throw;
  }
  publish();
}

}  // namespace walgate::migrate
