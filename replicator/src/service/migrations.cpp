#include "service/migrations.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apply/progress.hpp"
#include "apply/target_session.hpp"
#include "copy/ledger.hpp"
#include "migrate/directory.hpp"
#include "migrate/own_tables.hpp"
#include "migrate/rights.hpp"
#include "migrate/session.hpp"

namespace walgate::service {

namespace {

using migrate::MigrationState;
using postgres::Connection;

/// The service's own session on the target, which has to be where the one for migrations is.
Connection open_beside(const Config& config, Connection& session, const Event* stop = nullptr) {
  auto target = apply::open_target(config, stop);
  target.set_phase("migrate");
  const auto here = apply::identify_target(session);
  const auto there = apply::identify_target(target);
  if (here.system != there.system || here.database != there.database) {
    throw Error{Failure{.name = ErrorName::configuration_invalid,
                        .message = "migrations.conninfo and target.conninfo lead to two databases",
                        .remedy = "correct one of the two; they differ in the role alone",
                        .phase = "migrate"}};
  }
  return target;
}

std::string user_of(Connection& session) {
  return text_field(session.exec("SELECT current_user"), 0, 0);
}

std::vector<std::string> set_up(Connection& session, Connection& target) {
  std::vector<std::string> done;
  migrate::require_ledger(session);
  if (!migrate::missing_own_migrations(session).empty()) {
    session.exec("SET search_path = ''");
    for (const auto& name : migrate::bring_up_own_tables(session)) {
      done.push_back(fmt::format("applied walgate's own migration {}", name));
    }
  }
  if (const auto role = user_of(target); role != user_of(session)) {
    for (auto& sentence : migrate::grant_own_tables(session, role)) done.push_back(std::move(sentence));
  }
  return done;
}

}  // namespace

std::string what_copy_lacks(const Config& config, Connection& target) {
  const auto known = target.exec("SELECT pg_catalog.to_regclass('walgate.pipelines') IS NOT NULL");
  const auto registration = bool_field(known, 0, 0) ? apply::find_registration(target, config.pipeline) : std::nullopt;
  if (!registration) return "after-copy: the pipeline has not run yet";
  const auto entries = copy::read_entries(target, config.pipeline);
  std::vector<std::string> missing;
  for (const auto& [table, entry] : entries) {
    if (entry.state == copy::State::waiting || entry.state == copy::State::copying) missing.push_back(table.display());
  }
  if (!missing.empty()) return fmt::format("after-copy: not copied yet: {}", fmt::join(missing, ", "));
  const auto progress = apply::read_progress(target, config.pipeline);
  // Tables are copied as of different moments: what one refers to may be missing in the other until then.
  for (const auto& [table, entry] : entries) {
    if (entry.state == copy::State::copied && progress && progress->position < entry.horizon) {
      missing.push_back(table.display());
    }
  }
  if (!missing.empty()) {
    return fmt::format("after-copy: the stream has not reached the end of the copy of {} yet",
                       fmt::join(missing, ", "));
  }
  const bool has_begun =
      !entries.empty() || !config.copy.enabled || (progress && progress->position > registration->start_lsn);
  return has_begun ? "" : "after-copy: the copy has not begun yet";
}

std::vector<migrate::MigrationFile> migration_files(const Config& config) {
  if (config.migrations.directory.empty()) {
    throw Error{Failure{.name = ErrorName::configuration_invalid,
                        .message = "migrations.directory is not set",
                        .remedy = "name the folder of the migration files in migrations.directory",
                        .phase = "migrate"}};
  }
  return migrate::read_directory(config.migrations.directory);
}

std::vector<std::string> set_up_own_tables(const Config& config) {
  auto session = migrate::open_session(config);
  auto target = open_beside(config, session);
  return set_up(session, target);
}

MigrationStatus migration_status(const Config& config) {
  MigrationStatus status;
  status.files = migration_files(config);
  auto session = migrate::open_session(config);
  auto target = open_beside(config, session);
  migrate::require_ledger(session);
  status.ledger = migrate::read_ledger(session, config.pipeline);
  status.migrations = migrate::compare(status.files, status.ledger);
  status.copy_missing = what_copy_lacks(config, target);
  status.invalid_indexes = migrate::invalid_indexes(session);
  return status;
}

std::vector<Finding> verify_migrations(const Config& config) {
  std::vector<Finding> findings;
  const auto status = migration_status(config);
  for (const auto& migration : status.migrations) {
    if (const auto failure = migrate::objection_to(migration)) {
      findings.push_back(
          {Severity::error, failure->name, migration.id() + ".sql", failure->message, remedy_of(*failure)});
    } else if (migration.state == MigrationState::unfinished) {
      findings.push_back({Severity::warning, ErrorName::migration_unfinished, migration.id() + ".sql",
                          fmt::format("a run that began at {} has not told its end: it goes on, or was cut off",
                                      migration.row->applied_at),
                          "run `walgate migrate up`, which waits for it, or finds out what it left"});
    }
  }
  for (const auto& index : status.invalid_indexes) {
    findings.push_back({Severity::warning, ErrorName::index_invalid, index.index.display(),
                        fmt::format("the index of {} is invalid", index.table.display()), index.remedy()});
  }
  return findings;
}

void migrate_up(const Config& config, const MigrateUp& wanted, const migrate::UpObserver& observer,
                migrate::UpReport& report) {
  const auto files = migration_files(config);
  if (wanted.to && std::ranges::find(files, *wanted.to, &migrate::MigrationFile::number) == files.end()) {
    throw Error{Failure{.name = ErrorName::migration_missing,
                        .message = fmt::format("\"{}\" holds no migration with the number {:04}",
                                               config.migrations.directory, *wanted.to),
                        .phase = "migrate"}};
  }
  migrate::UpOptions options{.to = wanted.to,
                             .only_after_copy = wanted.only_after_copy,
                             .copy_missing = {},
                             .source_lsn = wanted.source_lsn,
                             .stop = wanted.stop};
  {
    auto session = migrate::open_session(config, wanted.stop);
    auto target = open_beside(config, session, wanted.stop);
    if (wanted.dry_run) {
      migrate::require_ledger(session);
    } else {
      for (const auto& sentence : set_up(session, target)) {
        if (observer.note) observer.note(sentence);
      }
    }
    options.copy_missing = what_copy_lacks(config, target);
    const auto registered = target.exec("SELECT pg_catalog.to_regclass('walgate.progress') IS NOT NULL");
    if (!options.source_lsn && bool_field(registered, 0, 0)) {
      if (const auto progress = apply::read_progress(target, config.pipeline)) options.source_lsn = progress->position;
    }
  }
  (wanted.dry_run ? migrate::dry_run : migrate::up)(config, files, options, observer, report);
}

}  // namespace walgate::service
