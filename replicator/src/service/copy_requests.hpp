// copy_requests.hpp - which tables a session copies before it streams, and which a later one has to.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "batch/seam.hpp"
#include "catalog/table_ledger.hpp"
#include "config/config.hpp"
#include "copy/ledger.hpp"
#include "postgres/connection.hpp"
#include "service/start_checks.hpp"

namespace walgate::service {

/// Has a table to be copied, and can be, that was not when the session began?  Asked on a session of its own, because
/// the applier's is busy.
class CopyRequests {
 public:
  /// `others`: tables that cannot be copied, whoever asks.  `waiting`: tables that cannot while their targets look so.
  CopyRequests(const Config& config, std::vector<QualifiedName> others, std::map<QualifiedName, std::string> waiting,
               const Event* stop);

  /// Asks now and then; false between.
  [[nodiscard]] bool any();

 private:
  const Config& config_;
  const std::vector<QualifiedName> others_;
  const std::map<QualifiedName, std::string> waiting_;
  const Event* stop_;
  std::optional<postgres::Connection> target_;
  std::set<QualifiedName> told_;  ///< that they have no target
  std::chrono::steady_clock::time_point next_;
};

/// All that may keep the table from fitting its target, as a text to be compared; "" while there is none.
[[nodiscard]] std::string look_of_target(postgres::Connection& target, const Config& config,
                                         const QualifiedName& source);

/// The published tables that are mapped, under the names that the stream uses.
[[nodiscard]] std::vector<copy::Filled> filled_tables(const Config& config, const Situation& now,
                                                      const RememberedTables& known);

/// The sources of those whose target tables exist.
[[nodiscard]] std::vector<QualifiedName> sources_with_target(postgres::Connection& target,
                                                             const std::vector<copy::Filled>& tables);

/// Those that the stream and the copy cannot bring.
[[nodiscard]] std::vector<QualifiedName> tables_without_columns(const Situation& now, const KnownTables& known);

/// What may become of changes of a table that should have been copied and cannot be: they are left out, or Error is
/// thrown.  `looked`: what is known of the publications is up to date.
void decide_on(const QualifiedName& table, const KnownTables& known, bool looked, Seam& seam);

}  // namespace walgate::service
