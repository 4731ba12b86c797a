// plan.hpp - the files beside the ledger: what is applied, what is to come, and what does not fit together.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "errors/error.hpp"
#include "migrate/ledger.hpp"
#include "migrate/migration_file.hpp"

namespace walgate::migrate {

enum class MigrationState {
  applied,
  pending,
  changed,       ///< applied, and the file is another one now
  missing,       ///< applied, and there is no such file
  out_of_order,  ///< not applied, and a higher number is
  unfinished,    ///< runs outside of a transaction, has begun, and its end is not recorded
};
[[nodiscard]] std::string_view text_of(MigrationState state) noexcept;

/// One number.  The pointers lead into what was compared; `file` or `row` is set, or both.
struct Migration {
  MigrationState state = MigrationState::pending;
  const MigrationFile* file = nullptr;
  const LedgerRow* row = nullptr;
  const LedgerRow* later = nullptr;  ///< out of order: what is applied and should not be

  [[nodiscard]] int number() const { return file != nullptr ? file->number : row->number; }
  [[nodiscard]] const std::string& id() const { return file != nullptr ? file->id : row->id; }
};

/// In the order of numbers.  A file that waits for the copy may come after higher numbers that do not.
[[nodiscard]] std::vector<Migration> compare(const std::vector<MigrationFile>& files,
                                             const std::vector<LedgerRow>& ledger);

/// What is the matter with a migration that is changed, missing or out of order; nullopt for others.
[[nodiscard]] std::optional<Failure> objection_to(const Migration& migration);

}  // namespace walgate::migrate
