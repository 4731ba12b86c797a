// up.hpp - brings the target up to the files: `walgate migrate up`.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "migrate/held_locks.hpp"
#include "migrate/migration_file.hpp"
#include "sync/event.hpp"
#include "wire/lsn.hpp"

namespace walgate::migrate {

struct UpOptions {
  std::optional<int> to;          ///< the last number that is wanted
  bool only_after_copy = false;   ///< files that wait for the copy, as far as no other pending one comes before them
  std::string copy_missing;       ///< why files that wait for the copy cannot run yet; empty: they can
  std::optional<Lsn> source_lsn;  ///< where the source was, for the ledger
  const Event* stop = nullptr;    ///< ends it: then Interrupted is thrown
};

/// A file that was applied or, in a dry run, executed and rolled back.
struct Applied {
  std::string id;
  std::chrono::milliseconds time{};
  bool found_done = false;   ///< an earlier run that was cut off had done its work
  std::set<HeldLock> locks;  ///< dry run: that the file added to what those before it hold
};

/// A file that was not.
struct Left {
  std::string id;
  std::string reason;
};

struct UpReport {
  std::vector<Applied> applied;
  std::vector<Left> left;
};

/// What a person may want to read while it goes on; both may be empty.
struct UpObserver {
  std::function<void(const std::string&)> note;  ///< waiting, trying again
  std::function<void(const Applied&)> applied;
};

/// Applies what is pending, each file in a session of its own, in the order of numbers; walgate's own tables have to be
/// there.  Several runners take turns.  `report` tells what was done also when this throws Error.
void up(const Config& config, const std::vector<MigrationFile>& files, const UpOptions& options,
        const UpObserver& observer, UpReport& report);

/// Executes what is pending in one transaction and rolls it back.
void dry_run(const Config& config, const std::vector<MigrationFile>& files, const UpOptions& options,
             const UpObserver& observer, UpReport& report);

}  // namespace walgate::migrate
