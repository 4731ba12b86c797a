// copy_checks.hpp - what has to hold on the target before the initial copy.
#pragma once

#include <vector>

#include "config/config.hpp"
#include "copy/ledger.hpp"
#include "postgres/connection.hpp"
#include "service/commands.hpp"
#include "service/start_checks.hpp"

namespace walgate::service {

/// Of the tables that have not been copied; those that `entries` does not know count as such.
[[nodiscard]] std::vector<Finding> check_copy(const Config& config, const Situation& now, const copy::Entries& entries,
                                              postgres::Connection& source, postgres::Connection& target);

}  // namespace walgate::service
