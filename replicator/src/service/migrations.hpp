// migrations.hpp - what `walgate migrate` can ask.
//
// Each call opens its own sessions and closes them.  All throw Error.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "migrate/index_state.hpp"
#include "migrate/plan.hpp"
#include "migrate/up.hpp"
#include "service/commands.hpp"
#include "sync/event.hpp"

namespace walgate::service {

/// Creates walgate's own tables or brings them up, as the role of migrations.conninfo, and grants the service's role
/// what it needs of them.  Returns sentences about what was done.
std::vector<std::string> set_up_own_tables(const Config& config);

/// The files beside the ledger.
struct MigrationStatus {
  std::vector<migrate::MigrationFile> files;
  std::vector<migrate::LedgerRow> ledger;
  std::vector<migrate::Migration> migrations;  ///< lead into the two above
  std::string copy_missing;                    ///< why files that wait for the copy cannot run yet; empty: they can
  std::vector<migrate::InvalidIndex> invalid_indexes;
};
/// Changes nothing.
MigrationStatus migration_status(const Config& config);

/// What is changed, missing or out of order.
std::vector<Finding> verify_migrations(const Config& config);

/// The files of migrations.directory.
std::vector<migrate::MigrationFile> migration_files(const Config& config);

/// Why not all tables are known to be copied, with the stream behind their copies; empty when they are.
std::string what_copy_lacks(const Config& config, postgres::Connection& target);

struct MigrateUp {
  std::optional<int> to{};          ///< the last number that is wanted
  bool dry_run = false;             ///< try it and roll back
  bool only_after_copy = false;     ///< files that wait for the copy, as far as no other pending one comes before them
  std::optional<Lsn> source_lsn{};  ///< where the source was; nullopt: where the pipeline stands
  const Event* stop = nullptr;      ///< ends it: then Interrupted is thrown
};
/// Applies what is pending.  `report` tells what was done also when this throws.
void migrate_up(const Config& config, const MigrateUp& wanted, const migrate::UpObserver& observer,
                migrate::UpReport& report);

}  // namespace walgate::service
