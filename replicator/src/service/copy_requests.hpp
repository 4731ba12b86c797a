// copy_requests.hpp - which tables a session copies before it streams, and which a later one has to.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "batch/seam.hpp"
#include "catalog/table_ledger.hpp"
#include "config/config.hpp"
#include "copy/ledger.hpp"
#include "postgres/connection.hpp"
#include "service/start_checks.hpp"

namespace walgate::service {

/// Has a table to be copied that was not when the session began?  Asked on a session of its own, because the applier's
/// is busy.
class CopyRequests {
 public:
  /// `others`: tables that cannot be copied, whoever asks.
  CopyRequests(const Config& config, std::vector<QualifiedName> others, const Event* stop);

  /// Asks now and then; false between.
  [[nodiscard]] bool any();

 private:
  const Config& config_;
  const std::vector<QualifiedName> others_;
  const Event* stop_;
  std::optional<postgres::Connection> target_;
  std::chrono::steady_clock::time_point next_;
};

/// The published tables that are mapped, under the names that the stream uses.
[[nodiscard]] std::vector<copy::Filled> filled_tables(const Config& config, const Situation& now,
                                                      const KnownTables& known);

/// Those that the stream and the copy cannot bring.
[[nodiscard]] std::vector<QualifiedName> tables_without_columns(const Situation& now, const KnownTables& known);

/// What may become of changes of a table that should have been copied and cannot be: they are left out, or Error is
/// thrown.  `looked`: what is known of the publications is up to date.
void decide_on(const QualifiedName& table, const KnownTables& known, bool looked, Seam& seam);

}  // namespace walgate::service
