// own_tables.hpp - keeps walgate's own tables on the target at the version of this binary.
#pragma once

#include <string>
#include <vector>

#include "postgres/connection.hpp"

namespace walgate::migrate {

/// What the target lacks to be at our version; empty when it is.  Throws Error when it is newer than this binary.
[[nodiscard]] std::vector<std::string> missing_own_migrations(postgres::Connection& target);

/// Creates schema and tables, or brings them up.  One transaction, one runner at a time.  Returns the names that were
/// applied.
std::vector<std::string> bring_up_own_tables(postgres::Connection& target);

}  // namespace walgate::migrate
