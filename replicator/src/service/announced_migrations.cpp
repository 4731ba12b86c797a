#include "service/announced_migrations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "errors/error.hpp"
#include "migrate/directory.hpp"
#include "observe/log.hpp"
#include "service/migrations.hpp"

namespace walgate::service {

namespace {

using namespace std::chrono_literals;

/// A migration that failed is tried again when its files have changed, or after this time.
constexpr auto attempt_interval = 60s;

/// The files as they are now; empty when they cannot be read.
std::string digest_of_files(const Config& config) {
  std::string digest;
  try {
    for (const auto& file : migrate::read_directory(config.migrations.directory)) digest += file.id + file.checksum;
  } catch (const Error&) {
    digest.clear();
  }
  return digest;
}

std::string sentence_of(const std::string& id, const Failure& failure) {
  const auto detail = failure.detail.empty() ? "" : fmt::format(" ({})", failure.detail);
  return fmt::format("the announced migration {} has failed: {}{}", id, failure.message, detail);
}

}  // namespace

AnnouncedMigrations::~AnnouncedMigrations() {
  if (!thread_.joinable() || ended_.is_set() || stop_.is_set()) return;
  log::info("migration_goes_on", "the gate has ended; the service waits until the migration has, too",
            {{"migration", *shown_.migration}});
}

std::optional<Obstacle> AnnouncedMigrations::under_way() {
  if (!thread_.joinable()) return std::nullopt;
  if (!ended_.is_set()) return shown_;
  thread_.join();
  ended_.clear();
  const auto id = *shown_.migration;
  try {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    done_.insert(id);
    failure_.reset();
  } catch (const Error& error) {
    const auto name = error.failure().name;
    if (name == ErrorName::connection_lost || name == ErrorName::server_shutting_down) throw;
    fail(id, sentence_of(id, error.failure()), remedy_of(error.failure()));
  }
  return std::nullopt;
}

std::optional<Obstacle> AnnouncedMigrations::apply(const std::string& id, Lsn lsn) {
  if (done_.contains(id)) return std::nullopt;
  auto digest = digest_of_files(config_);
  const bool again = failure_ && failure_->migration == id;
  if (again && digest == files_ && std::chrono::steady_clock::now() < next_attempt_) return failure_;
  files_ = std::move(digest);
  if (migrate::number_of(id) == 0) {
    return fail(id, fmt::format("the source has announced \"{}\", which is no name of a migration", id),
                std::string{entry_of(ErrorName::migration_announced).remedy});
  }
  try {
    const auto files = migration_files(config_);
    if (std::ranges::find(files, id, &migrate::MigrationFile::id) == files.end()) {
      return fail(id,
                  fmt::format("the source has announced the migration {}, and \"{}\" has no file {}.sql", id,
                              config_.migrations.directory, id),
                  "put the file there, or correct migrations.directory and start the service again");
    }
  } catch (const Error& error) {
    return fail(id, sentence_of(id, error.failure()), remedy_of(error.failure()));
  }
  if (!again) {
    log::info("migration_announced", "applies a migration that the source has announced",
              {{"migration", id}, {"lsn", lsn}});
  }
  begin(id, lsn);
  return shown_;
}

void AnnouncedMigrations::begin(const std::string& id, Lsn lsn) {
  shown_ = {
      .relation = {},
      .differences = {fmt::format("the source has announced the migration {}, which the service applies", id)},
      .migration = id,
      .remedy = fmt::format("wait; in pg_stat_activity of the target it is \"walgate {} migrate\"", config_.pipeline),
      .under_way = true};
  thread_ = std::jthread{[this, id, lsn] {
    try {
      run(id, lsn);
    } catch (...) {
      error_ = std::current_exception();
    }
    ended_.set();
  }};
}

void AnnouncedMigrations::run(const std::string& id, Lsn lsn) const {
  migrate::UpReport report;
  const migrate::UpObserver observer{
      .note =
          [&](const std::string& text) {
            log::info("migration_waits", text, {{"migration", id}});
          },
      .applied =
          [&](const migrate::Applied& applied) {
            log::info("migration_applied", "applied a migration",
                      {{"migration", applied.id}, {"milliseconds", applied.time.count()}, {"lsn", lsn}});
          }};
  migrate_up(config_, {.to = migrate::number_of(id), .source_lsn = lsn, .stop = &stop_}, observer, report);
  // What waits for the copy is applied once the stream has passed that, which may be behind this transaction.
  if (const auto left = std::ranges::find(report.left, id, &migrate::Left::id); left != report.left.end()) {
    log::info("migration_left", left->reason, {{"migration", id}});
  }
}

std::optional<Obstacle> AnnouncedMigrations::fail(const std::string& id, std::string difference, std::string remedy) {
  failure_ =
      Obstacle{.relation = {}, .differences = {std::move(difference)}, .migration = id, .remedy = std::move(remedy)};
  next_attempt_ = std::chrono::steady_clock::now() + attempt_interval;
  return failure_;
}

}  // namespace walgate::service
