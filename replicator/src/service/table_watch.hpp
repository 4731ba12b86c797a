// table_watch.hpp - compares what the source publishes with what the target remembers of it, and tells what differs.
//
// The stream is silent about tables that it no longer brings, and so would be everybody who reads it.
#pragma once

#include <chrono>
#include <vector>

#include "catalog/table_ledger.hpp"
#include "config/config.hpp"
#include "observe/status.hpp"
#include "postgres/connection.hpp"
#include "service/commands.hpp"

namespace walgate::service {

/// How often we look whether tables joined or left the publications.
inline constexpr std::chrono::seconds table_interval{5};
/// The main loop waits for what a look asks.
inline constexpr auto watch_limits = "SET lock_timeout = '1s'; SET statement_timeout = '5s'";

/// One look; what it finds is logged and stored.  A look that a server cannot answer just now is left out, and
/// false.  Throws Error when the source's session is lost.
bool watch_tables(const Config& config, postgres::Connection& source, TableLedger& ledger);

/// The same for `check`: what has been found before and still stands, and what a look finds now.  Stores nothing.
[[nodiscard]] std::vector<Finding> check_tables(const Config& config, postgres::Connection& source,
                                                RememberedTables remembered);

/// The tables of `status`, those that left included.
[[nodiscard]] std::vector<TableStatus> table_status(const Config& config, const KnownTables& known);

}  // namespace walgate::service
