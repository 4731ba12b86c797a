// copy_checks.hpp - what has to hold on the target before the initial copy.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "catalog/table_ledger.hpp"
#include "catalog/table_plan.hpp"
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

/// The rows that a table of the target holds, where they are in the way of its first copy.
[[nodiscard]] std::optional<Difference> rows_in_the_way(const Config& config, const QualifiedName& source,
                                                        const copy::Entries& entries, postgres::Connection& target);

/// Of the tables that have not been copied; those that `entries` does not know count as such.
[[nodiscard]] std::vector<Finding> check_copy(const Config& config, const Situation& now, const copy::Entries& entries,
                                              postgres::Connection& source, postgres::Connection& target);

}  // namespace walgate::service
