// seam.hpp - where the initial copy of a table ends and its stream begins.
//
// The copy holds exactly what the transactions did that its snapshot saw; the stream brings all others.  Positions
// alone cannot tell the two apart: a transaction is in the WAL before snapshots see it, and stays unseen for as long as
// its COMMIT waits for a standby.  So a change is left out when the snapshot saw its transaction.  All of those end
// before the horizon, which was read after the snapshot was taken.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "catalog/identifier.hpp"
#include "wire/decoder.hpp"

namespace walgate {

/// A pg_snapshot.
class Snapshot {
 public:
  /// "xmin:xmax:xip,xip…", as the server writes it; nullopt for any other text.
  [[nodiscard]] static std::optional<Snapshot> parse(std::string_view text);

  /// Did it see the transaction?  `xid`: as the stream brings it, of a transaction that has committed, and not more
  /// than 2^31 transactions away.
  [[nodiscard]] bool sees(std::uint32_t xid) const noexcept;
  /// All transactions before this one had ended.
  [[nodiscard]] std::uint64_t xmin() const noexcept { return xmin_; }

 private:
  std::uint64_t xmin_ = 0;
  std::uint64_t xmax_ = 0;
  std::vector<std::uint64_t> running_;  ///< sorted
};

/// What a session of the applier knows about copies.  Filled before it starts; then one thread asks.
class Seam {
 public:
  /// The target holds the table as of the snapshot.
  void add(QualifiedName table, Snapshot snapshot, Lsn horizon);
  /// The table has no copy and shall have none.
  void add(QualifiedName table) { known_.insert(std::move(table)); }
  /// The table waits for its copy.
  void await(QualifiedName table) { awaited_.insert(std::move(table)); }
  /// Changes of the table are not wanted: it left before it was copied.
  void leave_out(QualifiedName table) { left_out_.insert(std::move(table)); }
  /// From here on a table that was not added is lacking.
  void close() noexcept { closed_ = true; }

  /// Has the copy of the relation brought what this transaction did to it?
  [[nodiscard]] bool holds(const wire::Relation& relation, const wire::Begin& transaction) const {
    return transaction.end_lsn <= last_horizon_ && is_in_copy(relation, transaction);
  }
  /// All copies end before it; zero where there are none.
  [[nodiscard]] Lsn last_horizon() const noexcept { return last_horizon_; }
  [[nodiscard]] bool leaves_out(const QualifiedName& table) const { return left_out_.contains(table); }
  /// Has the table to be copied first?
  [[nodiscard]] bool lacks(const QualifiedName& table) const {
    return awaited_.contains(table) || (closed_ && !known_.contains(table));
  }

 private:
  struct Copy {
    Snapshot snapshot;
    Lsn horizon;
  };
  [[nodiscard]] bool is_in_copy(const wire::Relation& relation, const wire::Begin& transaction) const;

  std::map<QualifiedName, Copy> copies_;
  std::set<QualifiedName> known_;
  std::set<QualifiedName> awaited_;
  std::set<QualifiedName> left_out_;
  mutable std::vector<std::optional<const Copy*>> by_serial_;  ///< of relation versions that were asked for
  Lsn last_horizon_;
  bool closed_ = false;
};

}  // namespace walgate
