// copier.hpp - the initial copy: brings what the source's tables hold to the target, before the stream goes on.
//
// Tables are copied in groups, each under one snapshot of the source.  Workers read ranges of blocks and write each in
// a target transaction of its own, together with the fact that it is there, so that a copy that is broken off goes on
// where it was: what is there is brought up to a new snapshot first.  A table is copied once all of its ranges are on
// the target; what the stream still has to bring is told by its snapshot (batch/seam.hpp).
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "apply/table_set.hpp"
#include "apply/target_session.hpp"
#include "config/config.hpp"
#include "copy/ledger.hpp"
#include "copy/snapshot_holder.hpp"
#include "copy/table_job.hpp"
#include "copy/worker.hpp"
#include "observe/status.hpp"

namespace walgate::copy {

struct CopierStart {
  const Config& config;
  std::int64_t epoch = 0;
  std::string encoding;  ///< of the source
  bool replica_role = false;
  bool same_database = false;
  bool may_mark_origin = false;  ///< on the target
  bool awaited = false;          ///< commits of the source wait for us
  apply::CommitMode commit_mode = apply::CommitMode::off;
  TableLedger& ledger;
};

class Copier {
 public:
  /// `finish`, `stop`: end the copy as it is.
  Copier(const CopierStart& start, StatusBoard& board, const Event& finish, const Event& stop);

  /// Copies those of the tables, by their source names, that wait for it.  Returns when they are copied.  Throws Error,
  /// Interrupted.
  void run(const std::vector<QualifiedName>& tables);

 private:
  using Clock = std::chrono::steady_clock;
  using Jobs = std::vector<std::unique_ptr<TableJob>>;
  using Task = std::function<void(Worker&)>;
  using Sizes = std::map<QualifiedName, SnapshotHolder::Size>;
  /// A table of the target that is to be emptied.
  struct Emptied {
    QualifiedName target;
    std::string only;      ///< for SQL
    std::size_t rank = 0;  ///< parents along foreign keys have lower ranks
  };

  void copy_all(const std::vector<QualifiedName>& tables);
  [[nodiscard]] std::vector<std::vector<QualifiedName>> groups(const std::vector<QualifiedName>& tables,
                                                               const Sizes& sizes) const;
  void copy_group(const std::vector<QualifiedName>& tables);
  [[nodiscard]] Jobs make_jobs(const std::vector<QualifiedName>& tables, const TakenSnapshot& snapshot);
  void copy_in_ranges(const Jobs& jobs, const TakenSnapshot& snapshot);
  void copy_whole(const Jobs& jobs, const TakenSnapshot& snapshot);
  /// Empties the tables where that is wanted, together, because they may refer to each other.
  void make_room(const std::vector<wire::Relation>& relations);
  void empty(std::vector<Emptied> tables);
  /// Where foreign keys are checked: tables outside would lose rows, or keep these from going.
  void refuse_referred(const std::vector<Emptied>& tables);
  /// Runs the tasks on all workers; throws what the first of them threw.
  void work(std::vector<Task> tasks);
  void add_worker();
  /// Takes the holder and all workers to a snapshot with locks on the tables.
  [[nodiscard]] TakenSnapshot enter_snapshot(const std::vector<QualifiedName>& tables);
  [[nodiscard]] apply::TableSet table_set(const std::vector<wire::Relation>& relations);
  void begin_on_target();
  [[nodiscard]] postgres::Connection open_target();
  /// Ends the sessions on the target and forgets their origins.
  void drop_origins();

  // The thread that called run(), while another copies.
  void watch();
  void tell(bool log);
  void ask_who_waits();

  const CopierStart& start_;
  const Config& config_;
  StatusBoard& board_;
  const Event& finish_;
  const Event& stop_;
  Event abandon_;  ///< all sessions are to end
  Event done_;
  Throttle throttle_;
  const WorkerStart worker_start_;
  const Seam no_seam_;

  Entries entries_;
  std::map<QualifiedName, Progress> progress_;  ///< of all tables that are copied; filled before others look
  std::size_t sessions_ = 0;                    ///< that were marked; before target_, whose opening counts
  postgres::Connection target_;
  std::optional<SnapshotHolder> holder_;
  std::vector<std::unique_ptr<Worker>> workers_;
  bool may_make_tables_ = false;  ///< temporary ones, on the target

  std::mutex mutex_;  ///< of what follows
  std::optional<Clock::time_point> snapshot_taken_;
  std::string waiting_;
  std::exception_ptr error_;

  // Of the watching thread.
  std::optional<postgres::Connection> monitor_;
  std::vector<std::string> blocked_;
  Clock::time_point began_ = Clock::now();
  std::uint64_t rows_at_start_ = 0;
};

}  // namespace walgate::copy
