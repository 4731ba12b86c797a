#include "migrate/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace walgate::migrate {

namespace {

/// The row of the highest number among those that `file` has to come before.
const LedgerRow* later_row(const MigrationFile& file, const std::vector<MigrationFile>& files,
                           const std::vector<LedgerRow>& ledger) {
  const LedgerRow* later = nullptr;
  for (const auto& row : ledger) {
    if (row.number <= file.number) continue;
    const auto other = std::ranges::find(files, row.number, &MigrationFile::number);
    const bool waited_too = other != files.end() && other->after_copy;
    if (!file.after_copy || waited_too) later = &row;
  }
  return later;
}

}  // namespace

std::string_view text_of(MigrationState state) noexcept {
  switch (state) {
    case MigrationState::applied:
      return "applied";
    case MigrationState::pending:
      return "pending";
    case MigrationState::changed:
      return "changed";
    case MigrationState::missing:
      return "missing";
    case MigrationState::out_of_order:
      return "out_of_order";
    case MigrationState::unfinished:
      return "unfinished";
  }
  return "";
}

std::vector<Migration> compare(const std::vector<MigrationFile>& files, const std::vector<LedgerRow>& ledger) {
  std::map<int, Migration> by_number;
  for (const auto& row : ledger) {
    by_number.emplace(row.number, Migration{.state = MigrationState::missing, .file = nullptr, .row = &row});
  }
  for (const auto& file : files) {
    auto& migration = by_number[file.number];
    migration.file = &file;
    if (migration.row == nullptr) {
      migration.later = later_row(file, files, ledger);
      migration.state = migration.later != nullptr ? MigrationState::out_of_order : MigrationState::pending;
    } else if (migration.row->id != file.id || migration.row->checksum != file.checksum) {
      migration.state = MigrationState::changed;
    } else {
      migration.state = migration.row->running ? MigrationState::unfinished : MigrationState::applied;
    }
  }
  std::vector<Migration> all;
  for (const auto& [number, migration] : by_number) all.push_back(migration);
  return all;
}

std::optional<Failure> objection_to(const Migration& migration) {
  Failure failure{.name = ErrorName::migration_changed, .phase = "migrate"};
  switch (migration.state) {
    case MigrationState::changed:
      failure.message = migration.row->id != migration.file->id
                            ? fmt::format("{}: number {:04} was applied as {}.sql at {}", migration.file->path,
                                          migration.file->number, migration.row->id, migration.row->applied_at)
                            : fmt::format("{}: the file has changed since it was applied at {}", migration.file->path,
                                          migration.row->applied_at);
      failure.detail = fmt::format("SHA-256 {}, applied was {}", migration.file->checksum, migration.row->checksum);
      return failure;
    case MigrationState::missing:
      failure.name = ErrorName::migration_missing;
      failure.message = fmt::format("{}.sql was applied at {}, and there is no such file any more", migration.row->id,
                                    migration.row->applied_at);
      return failure;
    case MigrationState::out_of_order:
      failure.name = ErrorName::migration_out_of_order;
      failure.message = fmt::format("{}: it has not been applied, and {}, which has a higher number, has been at {}",
                                    migration.file->path, migration.later->id, migration.later->applied_at);
      return failure;
    case MigrationState::applied:
    case MigrationState::pending:
    case MigrationState::unfinished:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace walgate::migrate
