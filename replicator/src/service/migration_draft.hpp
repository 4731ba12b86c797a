// migration_draft.hpp - `walgate migrate draft`: from what `check` finds to a migration file.
#pragma once

#include <optional>
#include <string>

#include "config/config.hpp"
#include "migrate/draft.hpp"

namespace walgate::service {

struct DraftRequest {
  std::string name = "draft";  ///< NNNN_name.sql
  bool write = true;           ///< false: only make it
};
struct DraftAnswer {
  migrate::Draft draft;
  std::optional<std::string> file;  ///< where it was written
};

/// Compares both sides as they are now and proposes what would bring the target in line.  Runs nothing; with `write`,
/// a draft that holds something becomes a new file of migrations.directory.  Throws Error.
[[nodiscard]] DraftAnswer draft_migration(const Config& config, const DraftRequest& request);

}  // namespace walgate::service
