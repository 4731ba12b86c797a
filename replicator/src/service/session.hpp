// session.hpp - one stretch of streaming: from connecting to the first failure.
//
// Connects (the target first: while it is down the source is left alone), checks, claims the pipeline, then runs
// receiver and applier until one of them ends.  Whatever fails ends the whole session; the run loop starts the next one
// from the position that the target then holds.  So there is one way in, and no half-failed state to mend.
#pragma once

#include <optional>

#include "apply/history.hpp"
#include "config/config.hpp"
#include "copy/copier.hpp"
#include "observe/status.hpp"
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
  void run_once(const std::optional<QualifiedName>& needed);
  /// Copies what waits for it; what there is then.
  copy::Entries copy_tables(const Situation& now, const copy::CopierStart& start, postgres::Connection& source,
                            postgres::Connection& target);
  void remember_slot();

  const Config& config_;
  StatusBoard& board_;
  apply::History& history_;
  const Event& finish_;
  const Event& stop_;
};

}  // namespace walgate::service
