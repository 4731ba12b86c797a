// copying.hpp - sends the rows of tables as a snapshot of the source shows them, before or instead of their changes.
//
// Locks, snapshot and rows are those of the target's initial copy (room copy).  Where the topic holds records from
// before (the copy is made again, or one was broken off), keys that the snapshot does not have get a delete, so that
// the topic's newest records are the table's rows.  Nothing is remembered before all of that is sent: what is broken
// off begins anew.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "copy/reader.hpp"
#include "copy/snapshot_holder.hpp"
#include "mirror/publisher.hpp"

namespace walgate::mirror {

/// What a person sees of it.
struct CopyingProgress {
  std::uint64_t rows = 0;
  std::uint64_t estimated = 0;
};

class Copying {
 public:
  /// `leave` ends everything, by postgres::Interrupted.  `awaited`: commits of the source wait for us.  `often` is
  /// called while rows are sent, between two Kafka transactions, and may throw.
  Copying(const Config& config, const PublisherSource& source, Publisher& publisher, const Event& leave, bool awaited,
          std::function<void(const CopyingProgress&)> often);

  /// Sends the table's rows and commits them, together with that the table is copied; the position stays.  `published`:
  /// as a look has found it before.  False when the publications do not hold it any more.
  [[nodiscard]] bool copy(const QualifiedName& table, const PublishedTable& published, Lsn position);

 private:
  [[nodiscard]] copy::TakenSnapshot enter(const QualifiedName& table);
  void send_rows(const wire::Relation& relation);
  void send_gone(const QualifiedName& table, const RowTopic& topic);
  void commit_if_full();

  const Config& config_;
  const Event& leave_;
  Publisher& publisher_;
  const std::function<void(const CopyingProgress&)> often_;
  copy::SnapshotHolder holder_;
  copy::Reader reader_;

  CopyingProgress progress_;
  Lsn position_;
  std::uint64_t open_rows_ = 0;  ///< of the Kafka transaction
  std::uint64_t open_bytes_ = 0;
  std::vector<std::int64_t> ends_;  ///< of the topic's partitions before the copy
};

}  // namespace walgate::mirror
