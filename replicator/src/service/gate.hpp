// gate.hpp - holds the stream before one transaction of the source until the target is ready for it.
//
// Everything before that transaction is on the target and acknowledged.  The gate looks every second, and whenever a
// migration has been recorded, whether what is missing is there: a migration that the transaction announces, a table,
// a column, a person's word.  It changes nothing itself, but runs announced migrations where it is told to, in the
// order that survives a crash: they are committed together with their rows of the ledger before the transaction is
// applied.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apply/becoming.hpp"
#include "apply/survey.hpp"
#include "config/config.hpp"
#include "observe/status.hpp"
#include "postgres/connection.hpp"
#include "service/announced_migrations.hpp"
#include "service/copy_requests.hpp"
#include "service/gate_cost.hpp"
#include "service/obstacle.hpp"
#include "sync/event.hpp"

namespace walgate::service {

/// What the gate has to know of the session that met the transaction.
struct GateStart {
  bool same_database = false;
  bool replica_role = false;
  bool value_refused = false;               ///< the target refused a value that the source's types allow
  std::vector<QualifiedName> not_copied{};  ///< tables that cannot be copied, whoever asks
};

class Gate {
 public:
  /// `target`: a session that holds the pipeline's lock.  `waiting`: tables that cannot be copied while their targets
  /// look so.
  Gate(const Config& config, const GateStart& start, postgres::Connection target,
       std::map<QualifiedName, std::string> waiting, StatusBoard& board, const Event& finish, const Event& stop);

  /// Returns when the transaction may be tried; with what has to be known of it.  Also returns, with the gate still
  /// shown as closed, when a person asks for a copy or leaves the transaction out.  Throws Error, Interrupted.
  [[nodiscard]] apply::Becoming pass(const apply::Survey& survey);

 private:
  [[nodiscard]] std::optional<Obstacle> find_obstacle(const apply::Survey& survey, apply::Becoming& becoming);
  [[nodiscard]] std::optional<Obstacle> announced_obstacle(const apply::Survey& survey);
  [[nodiscard]] std::optional<Obstacle> shape_obstacle(const apply::Survey& survey, apply::Becoming& becoming);
  /// Does the source, as of a moment after the transaction, not have the table any more?  Its number does not come
  /// back.
  [[nodiscard]] bool is_gone(const wire::Relation& relation, std::uint32_t xid);
  /// Of enums, that the source has and the target has not.
  [[nodiscard]] std::vector<Difference> missing_labels(const wire::Relation& relation);
  /// Does the file wait for the copy, whose end may be behind this transaction?
  [[nodiscard]] bool may_pass_by(const std::string& id);
  void show(const Obstacle& obstacle, const apply::Survey& survey);
  void show_cost();
  void open();

  const Config& config_;
  const GateStart start_;
  postgres::Connection target_;
  StatusBoard& board_;
  const Event& finish_;
  const Event& stop_;
  GateCost cost_;
  CopyRequests copies_;
  std::chrono::steady_clock::time_point next_question_;
  std::set<std::uint32_t> gone_;  ///< OIDs of tables that the source has no more
  std::optional<Obstacle> shown_;
  std::optional<Obstacle> told_;  ///< in the log
  std::chrono::steady_clock::time_point next_log_;
  AnnouncedMigrations announced_;
};

}  // namespace walgate::service
