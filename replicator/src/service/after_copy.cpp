#include "service/after_copy.hpp"

#include <algorithm>

#include "migrate/ledger.hpp"
#include "migrate/plan.hpp"
#include "observe/log.hpp"
#include "service/migrations.hpp"

namespace walgate::service {

bool has_after_copy(const Config& config, postgres::Connection& target) {
  if (config.migrations.directory.empty() || config.migrations.at_announcement == AtAnnouncement::wait) return false;
  try {
    const auto files = migration_files(config);
    const auto ledger = migrate::read_ledger(target, config.pipeline);
    const auto migrations = migrate::compare(files, ledger);
    const auto next = std::ranges::find(migrations, migrate::MigrationState::pending, &migrate::Migration::state);
    return next != migrations.end() && next->file->after_copy;
  } catch (const Error& error) {  // nothing of it is needed to stream
    if (error.failure().name != ErrorName::migration_file_invalid &&
        error.failure().name != ErrorName::configuration_invalid) {
      throw;
    }
    log::warning(text_of(error.failure().name), error.failure().message, {{"detail", error.failure().detail}});
    return false;
  }
}

std::optional<Lsn> end_of_copies(const copy::Entries& entries) {
  Lsn end;
  for (const auto& [table, entry] : entries) {
    if (entry.state == copy::State::waiting || entry.state == copy::State::copying) return std::nullopt;
    if (entry.state == copy::State::copied) end = std::max(end, entry.horizon);
  }
  return end;
}

bool migrate_after_copy(const Config& config, Lsn applied, const Event& stop) {
  migrate::UpReport report;
  const migrate::UpObserver observer{.note = [](const std::string& text) { log::info("migration_waits", text); },
                                     .applied =
                                         [](const migrate::Applied& migration) {
                                           log::info(
                                               "migration_applied", "applied a migration that waited for the copy",
                                               {{"migration", migration.id}, {"milliseconds", migration.time.count()}});
                                         }};
  try {
    migrate_up(config, {.only_after_copy = true, .source_lsn = applied, .stop = &stop}, observer, report);
    if (report.left.empty()) return true;
    log::warning("migration_left", report.left.front().reason, {{"migration", report.left.front().id}});
  } catch (const Error& error) {
    log::failure(log::Level::error, error.failure());
  }
  return false;
}

}  // namespace walgate::service
