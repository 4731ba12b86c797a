// worker.hpp - copies ranges, from a session of the source to one of the target.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "apply/prepared_table.hpp"
#include "config/config.hpp"
#include "copy/loader.hpp"
#include "copy/reader.hpp"
#include "copy/table_job.hpp"
#include "copy/throttle.hpp"
#include "postgres/connection.hpp"

namespace walgate::copy {

/// What all workers of a copy share.
struct WorkerStart {
  const Config& config;
  std::int64_t epoch = 0;
  std::string encoding;  ///< of the source
  bool replica_role = false;
  Throttle& throttle;
  const Event& stop;  ///< of both sessions
};

class Worker {
 public:
  Worker(const WorkerStart& start, postgres::Connection source, postgres::Connection target);

  /// From here on rows are read as of this snapshot.  False: somebody waits for a lock on one of its tables, and
  /// would keep us waiting; then call leave().
  [[nodiscard]] bool enter(const TakenSnapshot& snapshot) { return source_.enter(snapshot); }
  void leave();

  /// One target transaction: the rows of a range, and that it is done.
  void copy_range(TableJob& job, const Range& range);
  /// One target transaction: whole tables, from the first to the last, and that they are copied.
  void copy_tables(const std::vector<TableJob*>& jobs, const TakenSnapshot& snapshot);
  /// One target transaction: brings what a broken-off copy has left from its snapshot to this one.
  void bring_up(TableJob& job, const TakenSnapshot& snapshot);

 private:
  struct Counted {
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
  };
  /// Runs the source's COPY into the open loader.
  Counted pipe(const std::string& read, Progress* progress);
  apply::PreparedTable& prepared(const TableJob& job);
  /// Errors know the table.
  template <typename Work>
  void with_place(const TableJob& job, Work work);

  const WorkerStart& start_;
  Reader source_;
  Loader loader_;
  std::map<const TableJob*, std::unique_ptr<apply::PreparedTable>> tables_;  ///< of the present snapshot
  apply::TableState state_;
};

}  // namespace walgate::copy
