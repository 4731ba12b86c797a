// session.hpp - one stretch of streaming: from connecting to the first failure.
//
// Connects (the target first: while it is down the source is left alone), checks, claims the pipeline, then runs
// receiver and applier until one of them ends.  Whatever fails ends the whole session; the run loop starts the next one
// from the position that the target then holds.  So there is one way in, and no half-failed state to mend.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "apply/history.hpp"
#include "apply/survey.hpp"
#include "apply/table_set.hpp"
#include "config/config.hpp"
#include "copy/copier.hpp"
#include "observe/status.hpp"
#include "service/gate.hpp"
#include "service/start_checks.hpp"
#include "sync/event.hpp"

namespace walgate::service {

class Session {
 public:
  /// `finish`: leave after the transaction in flight.  `stop`: leave now.
  Session(const Config& config, StatusBoard& board, apply::History& history, const Event& finish, const Event& stop);

  /// Returns when `finish` is set and the work in flight is done.  Throws Error; Interrupted after `stop`.
  void run();

 private:
  /// Until a failure, the end, or a copy that is wanted.  `needed`: a table whose changes the stream brings although it
  /// was not copied.
  void run_once(const std::optional<apply::CopyNeeded>& needed);
  /// Copies what waits for it and fits its target; what there is then.  Throws Surveyed where `needed` does not fit,
  /// HeldAt where rows are in its way.
  copy::Entries copy_tables(const Situation& now, const copy::CopierStart& start,
                            const std::optional<apply::CopyNeeded>& needed, postgres::Connection& source,
                            postgres::Connection& target);
  /// Waits until the target is ready for the transaction.
  void wait_at_gate(const apply::Survey& survey);
  void remember_slot();

  const Config& config_;
  StatusBoard& board_;
  apply::History& history_;
  const Event& finish_;
  const Event& stop_;

  std::map<QualifiedName, std::string> waiting_for_target_;  ///< tables to be copied, and how their targets look
  GateStart gate_start_;
  Lsn refused_;      ///< of the transaction one of whose values the target refused last
  Lsn let_through_;  ///< by the gate, last
  int times_let_through_ = 0;
  QualifiedName copied_last_;       ///< what the stream was last left for
  bool after_copy_failed_ = false;  ///< said once
};

}  // namespace walgate::service
