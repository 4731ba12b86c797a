// after_copy.hpp - migrations that wait for the initial copy (`-- walgate: after-copy`), as far as the service applies
// them.
//
// Tables are copied as of different moments, so a constraint between them may not hold before the stream has passed the
// ends of all copies.
#pragma once

#include <optional>

#include "config/config.hpp"
#include "copy/ledger.hpp"
#include "postgres/connection.hpp"
#include "sync/event.hpp"

namespace walgate::service {

/// Is such a migration the next one, and is the service to apply it?  Throws Error where the target cannot be asked.
[[nodiscard]] bool has_after_copy(const Config& config, postgres::Connection& target);

/// Where the stream has passed the ends of all copies; nullopt while one is missing.
[[nodiscard]] std::optional<Lsn> end_of_copies(const copy::Entries& entries);

/// Applies them; `applied`: how far the stream has come.  False when one could not be, which is told in the log. Throws
/// Interrupted.
[[nodiscard]] bool migrate_after_copy(const Config& config, Lsn applied, const Event& stop);

}  // namespace walgate::service
