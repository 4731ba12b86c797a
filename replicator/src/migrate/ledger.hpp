// ledger.hpp - what the target remembers of a pipeline's migrations (walgate.migrations).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "migrate/migration_file.hpp"
#include "postgres/connection.hpp"
#include "wire/lsn.hpp"

namespace walgate::migrate {

/// The scope of a pipeline's files; walgate's own tables have one that no pipeline can have.
[[nodiscard]] std::string scope_of(const std::string& pipeline);

struct LedgerRow {
  int number = 0;
  std::string id;
  std::string checksum;
  bool running = false;    ///< begun outside of a transaction, and its end is not recorded
  std::string applied_at;  ///< in UTC, as status shows times; of a running one: when it began
  std::string applied_by;
  std::optional<std::chrono::milliseconds> duration;
  std::optional<Lsn> source_lsn;
};

/// In the order of numbers.  Empty where the target's own tables are not there, or of a release without such rows.
[[nodiscard]] std::vector<LedgerRow> read_ledger(postgres::Connection& session, const std::string& pipeline);

/// The row of a file that the open transaction has applied; the duration is that of the transaction.  Who listens on
/// "walgate_migrations" hears of it.
void record_applied(postgres::Connection& session, const std::string& pipeline, const MigrationFile& file,
                    std::optional<Lsn> source_lsn);

/// A file that runs outside of a transaction begins, ends, or has failed and is to be tried again.
void record_begin(postgres::Connection& session, const std::string& pipeline, const MigrationFile& file,
                  std::optional<Lsn> source_lsn);
void record_end(postgres::Connection& session, const std::string& pipeline, const MigrationFile& file);
void forget_begin(postgres::Connection& session, const std::string& pipeline, const MigrationFile& file);

}  // namespace walgate::migrate
