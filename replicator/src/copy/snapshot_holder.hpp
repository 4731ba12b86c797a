// snapshot_holder.hpp - the session of the source that locks tables and holds the snapshot that workers read under.
//
// A transaction that wrote before a table was published, and commits after, brings only its later rows; one whose
// COMMIT waits for a standby is in the WAL and not yet seen.  So a snapshot counts only once everything has ended that
// was running when the publications were read.  The locks come before the snapshot: an ALTER that rewrites a table, or
// a TRUNCATE, would leave it empty for snapshots that are older.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "copy/reader.hpp"
#include "copy/table_job.hpp"
#include "postgres/connection.hpp"
#include "wire/relation.hpp"

namespace walgate::copy {

class SnapshotHolder {
 public:
  /// Told what we wait for; empty: for nothing any more.
  using Waiting = std::function<void(const std::string&)>;

  /// `awaited`: commits of the source wait for us.
  SnapshotHolder(const Config& config, const Event& stop, bool awaited, Waiting waiting)
      : config_{config}, stop_{stop}, awaited_{awaited}, waiting_{std::move(waiting)}, source_{session(config, stop)} {}

  /// Until all transactions have ended that run now.  take() does it again when the publications have changed since.
  void wait_for_running();
  /// Locks the tables, which may wait for others, and takes a snapshot.
  [[nodiscard]] TakenSnapshot take(const std::vector<QualifiedName>& tables);
  /// Ends the transaction, and with it locks and snapshot.
  void release();
  /// The same, because a lock could not be had, and gives way to who has it or waits for it.
  void wait_for_lock(const std::vector<QualifiedName>& tables);

  /// The published relations among these, with serial numbers from 0 on.
  [[nodiscard]] std::vector<wire::Relation> relations(const std::vector<QualifiedName>& tables);
  /// Files and estimated rows of each of these, a partitioned one's leaves.
  struct Size {
    std::vector<Part> parts;
    std::uint64_t rows = 0;
    [[nodiscard]] std::uint64_t blocks() const noexcept;
  };
  [[nodiscard]] std::map<QualifiedName, Size> sizes(const std::vector<QualifiedName>& tables);
  /// The same without locks on the tables, for which it may have to wait.
  [[nodiscard]] std::map<QualifiedName, Size> first_look(const std::vector<QualifiedName>& tables);
  /// OIDs of the types of arrays whose elements are xml, or a domain of it.
  [[nodiscard]] std::set<std::uint32_t> xml_arrays();
  /// Row filters in SQL.  A table without one is not in it.
  [[nodiscard]] std::map<QualifiedName, std::string> filters();
  /// Where the source's WAL is.
  [[nodiscard]] Lsn position();

 private:
  static postgres::Connection session(const Config& config, const Event& stop);
  void pause(std::chrono::milliseconds time);
  void lock(const std::vector<QualifiedName>& tables);
  [[nodiscard]] std::string publications();
  /// Until what a snapshot of now can see would survive a crash of the source.
  void wait_for_flush(Lsn position);

  const Config& config_;
  const Event& stop_;
  const bool awaited_;
  const Waiting waiting_;
  postgres::Connection source_;
  std::string publications_;  ///< as the wait for running transactions has found them
};

}  // namespace walgate::copy
