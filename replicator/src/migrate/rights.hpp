// rights.hpp - what the service's role may do with walgate's own tables when another role has made them.
#pragma once

#include <string>
#include <vector>

#include "postgres/connection.hpp"

namespace walgate::migrate {

/// Grants `role` the use of schema walgate, and to read and write walgate's own tables, as far as it lacks that.
/// Returns sentences about what was done.
std::vector<std::string> grant_own_tables(postgres::Connection& session, const std::string& role);

/// May our role keep the ledger?  Throws Error when it may not.
void require_ledger(postgres::Connection& session);

}  // namespace walgate::migrate
