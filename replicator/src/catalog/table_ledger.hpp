// table_ledger.hpp - which source table the rows of each target table come from, and how publications hold it.
//
// The stream is silent about tables that it no longer brings, and it brings another table of the same name as if
// nothing had happened.  So the target remembers the OID behind every name (walgate.tables): the applier asks here
// before the first change of a relation, the watcher compares with the source's catalog now and then.  What either
// learns is on the target before a change that rests on it is applied; its commit stands before theirs in the target's
// WAL, so no crash can keep the changes and lose the knowledge.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/identifier.hpp"
#include "catalog/table_shape.hpp"
#include "errors/names.hpp"
#include "wire/lsn.hpp"

namespace walgate {

/// How one publication holds a table.
struct PublicationEntry {
  std::string ids;         ///< of the catalog's rows: they change when the table is taken out and put back
  std::string operations;  ///< published ones
  std::string columns;     ///< column list; empty: all
  std::string filter;      ///< digest of the row filter; empty: none
  friend bool operator==(const PublicationEntry&, const PublicationEntry&) = default;
};

/// A leaf that is published under the name of a partitioned table.
struct PublishedPartition {
  std::string name;       ///< for people
  bool attached = false;  ///< not born in its place: it may have held rows when it came
  friend bool operator==(const PublishedPartition&, const PublishedPartition&) = default;
};

/// A published table, as the source's catalog shows it.
struct PublishedTable {
  std::uint32_t oid = 0;
  std::map<std::string, PublicationEntry> entries;         ///< by publication
  std::map<std::uint32_t, PublishedPartition> partitions;  ///< by OID; only where the root's name is published
  friend bool operator==(const PublishedTable&, const PublishedTable&) = default;
};
using PublishedTables = std::map<QualifiedName, PublishedTable>;

/// `left`: the publications hold it no more.  `recreated`: the name stands for another table than before; the changes
/// of the old one are still applied, the first of the new one waits at a gate.  `ignored`: it joined where that is not
/// wanted.
enum class TableState { streaming, left, recreated, ignored };
[[nodiscard]] std::string_view text_of(TableState state) noexcept;
[[nodiscard]] std::optional<TableState> table_state_of(std::string_view text) noexcept;

/// A row of walgate.tables.
struct KnownTable {
  std::uint32_t oid = 0;  ///< of the table whose rows the target holds
  Lsn as_of;              ///< where the source was when its catalog showed it; unset: the stream brought it first
  TableState state = TableState::streaming;
  std::uint32_t new_oid = 0;                ///< of the table that has taken over the name
  bool accepted = false;                    ///< a person wants the changes of `new_oid`
  std::optional<PublishedTable> published;  ///< as the last look found it
  std::optional<TableShape> shape;          ///< the columns that its changes had
  Lsn shape_at;                             ///< of the transaction that brought them, or where the source was
  bool shape_of_catalog = false;            ///< of the source, not of the stream; not stored
  Lsn accepted_at;                          ///< a person lets the transaction through, whatever it did to columns
  std::optional<QualifiedName> former;      ///< the name before, until a change under the new one is applied
  bool let_in = false;                      ///< on both sides another table has taken the place: it has no copy
  std::optional<QualifiedName> moved_from;  ///< that name, when what was said of its copy is to be said of this one
};
using KnownTables = std::map<QualifiedName, KnownTable>;

/// Any thread.
class TableLedger {
 public:
  /// Something that a person should know.
  struct Change {
    ErrorName name;
    QualifiedName table;
    std::string text;
    bool ordinary = false;  ///< everyday life of partitioned tables
  };
  using Write = std::function<void(const KnownTables&)>;

  /// What the target remembers; `looked`: a look has been stored before, so what is not in it has joined.  `write`
  /// brings rows to the target and returns when they are committed.  `ignore_new`: tables that join are left out.
  TableLedger(KnownTables known, bool looked, Write write, bool ignore_new = false)
      : write_{std::move(write)}, known_{std::move(known)}, looked_{looked}, ignore_new_{ignore_new} {}

  /// May the changes of this table, which a transaction at `lsn` (its final_lsn) brings, be applied?  False: the name
  /// stood for another table.  A name that is unknown is learned.  Call save() before anything is applied.
  [[nodiscard]] bool is_same(const QualifiedName& table, std::uint32_t oid, Lsn lsn);
  /// The target has a new table for the one that has taken over the name: it is as it shall be.
  void let_in(const QualifiedName& table, std::uint32_t oid, Lsn lsn);
  /// The table that has taken over the name had another one before, and so had its target: the two have been renamed
  /// alike.  False: they have not.
  [[nodiscard]] bool take_over(const QualifiedName& table, std::uint32_t oid, std::uint32_t target_oid, Lsn lsn);
  /// Are the table's changes left out, because nobody wanted it to join?
  [[nodiscard]] bool is_ignored(const QualifiedName& table) const;
  /// The name that the table had before, as long as no change under the new one was applied.
  [[nodiscard]] std::optional<QualifiedName> former_name(const QualifiedName& table) const;
  /// A change under the new name is about to be applied.
  void settle_name(const QualifiedName& table);
  /// The columns that the table had before this transaction; nullopt where they are not known, are newer, or where a
  /// person has looked at them.
  [[nodiscard]] std::optional<TableShape> shape_before(const QualifiedName& table, Lsn lsn) const;
  /// Has a person let the transaction through, whatever it did to the table?
  [[nodiscard]] bool is_accepted(const QualifiedName& table, Lsn lsn) const;
  /// Does another table hold the name, so that this one's rows are not on the target?
  [[nodiscard]] bool is_taken(const QualifiedName& table, std::uint32_t oid) const;
  /// The table is copied anew: whatever has happened to its columns is in the copy.
  void forget_columns(const QualifiedName& table);
  /// The columns as the source's catalog shows them at `lsn`, where nothing has told yet.  Not stored; what the stream
  /// brings takes their place.
  void remember(const QualifiedName& table, TableShape shape, Lsn lsn);
  /// The transaction's changes, which are about to be applied, have these columns.
  void saw(const QualifiedName& table, TableShape shape, Lsn lsn);
  /// How the table's target looks by now, before it has to do with anything that the source does.
  void saw_target(const QualifiedName& table, const TargetTable& target);
  /// What differs from the last look.  `as_of`: a position that the source had reached before it was asked.
  [[nodiscard]] std::vector<Change> look(const PublishedTables& now, Lsn as_of);
  /// Writes what has changed since the last time; keeps it for the next time when that throws.
  void save();
  [[nodiscard]] KnownTables known() const;

 private:
  const Write write_;
  mutable std::mutex mutex_;
  std::mutex saving_;  ///< so that who returns from save() knows that everything is written
  KnownTables known_;
  /// Of tables whose columns a transaction has changed: how they were, and that transaction.
  std::map<QualifiedName, std::pair<Lsn, TableShape>> before_;
  bool looked_;
  const bool ignore_new_;
  bool mark_look_ = false;
  std::set<QualifiedName> unsaved_;
};

}  // namespace walgate
