// copy_checks.hpp - what has to hold on the target before the initial copy.
#pragma once

#include <set>
#include <vector>

#include "catalog/table_ledger.hpp"
#include "config/config.hpp"
#include "copy/ledger.hpp"
#include "postgres/connection.hpp"
#include "service/commands.hpp"
#include "service/start_checks.hpp"

namespace walgate::service {

/// Published tables that wait for their copy and need no target yet, because others go on: those of the first start
/// have to be there.
[[nodiscard]] std::set<QualifiedName> tables_that_may_wait(const Config& config, const Situation& now,
                                                           const copy::Entries& entries);

/// What is said of tables under the names that they have got since.
[[nodiscard]] copy::Entries under_new_names(copy::Entries entries, const RememberedTables& known);

/// Of the tables that have not been copied; those that `entries` does not know count as such.
[[nodiscard]] std::vector<Finding> check_copy(const Config& config, const Situation& now, const copy::Entries& entries,
                                              postgres::Connection& source, postgres::Connection& target);

}  // namespace walgate::service
