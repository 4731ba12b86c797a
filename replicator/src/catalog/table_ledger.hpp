// table_ledger.hpp - which source table the rows of each target table come from, and how publications hold it.
//
// The stream is silent about tables that it no longer brings, and it brings another table of the same name as if
// nothing had happened.  So the target remembers the OID behind every name (walgate.tables): the applier asks here
// before the first change of a relation, the watcher compares with the source's catalog now and then.  What either
// learns is on the target before a change that rests on it is applied; its commit stands before theirs in the target's
// WAL, so no crash can keep the changes and lose the knowledge.
//
// Where the rows of a source table are, and which columns its changes had, is remembered under its OID, which it keeps
// whatever it is called (walgate.shapes).  That is written with the first changes that have these columns, in one
// transaction: it is always as of the position.
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
  Lsn accepted_at;                          ///< a person lets the transaction through, whatever it did to columns
  bool let_in = false;                      ///< on both sides another table has taken the place: it has no copy
};
using KnownTables = std::map<QualifiedName, KnownTable>;

/// A row of walgate.shapes: of a source table, whatever it is called by now.
struct HeldTable {
  QualifiedName source;  ///< the name under which its changes were last applied
  TableShape shape;      ///< the columns that they had, and the target's table that took them
  friend bool operator==(const HeldTable&, const HeldTable&) = default;
};
/// By OID of the source's table.
using HeldTables = std::map<std::uint32_t, HeldTable>;

/// All that the target remembers of tables.
struct RememberedTables {
  KnownTables tables;
  HeldTables held;
  bool looked = false;  ///< has a look at the source been stored?

  /// The name that the table had before, as long as no change under this one was applied.
  [[nodiscard]] std::optional<QualifiedName> former_name(const QualifiedName& table) const;
};

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

  /// What the target remembers; where no look has been stored before, what is not in it has not joined.  `write` brings
  /// rows to the target and returns when they are committed.  `ignore_new`: tables that join are left out.
  TableLedger(RememberedTables remembered, Write write, bool ignore_new = false)
      : write_{std::move(write)},
        known_{std::move(remembered.tables)},
        looked_{remembered.looked},
        ignore_new_{ignore_new} {
    for (auto& [oid, table] : remembered.held) held_[oid] = {.table = std::move(table)};
  }

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
  /// As that of RememberedTables.
  [[nodiscard]] std::optional<QualifiedName> former_name(const QualifiedName& table) const;
  /// The name under which the target has the rows of the table that is called so now.
  [[nodiscard]] QualifiedName held_as(const QualifiedName& table, std::uint32_t oid) const;
  /// The OID of the table whose rows the target holds under that name.
  [[nodiscard]] std::optional<std::uint32_t> holder_of(const QualifiedName& table) const;
  /// The columns that the table had before this transaction; nullopt where they are not known, are newer, or where a
  /// person has looked at them.
  [[nodiscard]] std::optional<TableShape> shape_before(const QualifiedName& table, std::uint32_t oid, Lsn lsn) const;
  /// The target's table that holds its rows; 0: nobody knows of one.
  [[nodiscard]] std::uint32_t target_of(std::uint32_t oid) const;
  /// Has a person let the transaction through, whatever it did to the table?
  [[nodiscard]] bool is_accepted(const QualifiedName& table, Lsn lsn) const;
  /// The table is copied anew: whatever has happened to its columns is in the copy.
  void forget_columns(std::uint32_t oid);
  /// The columns as the source's catalog shows them at `lsn`, where nothing has told yet.  Not stored; what the stream
  /// brings takes their place.
  void remember(std::uint32_t oid, HeldTable table, Lsn lsn);
  /// The transaction's changes, which are about to be applied, come under this name and have these columns.
  void saw(std::uint32_t oid, const HeldTable& table, Lsn lsn);
  /// What that has taught since the last time: to be written in the transaction that applies them.
  [[nodiscard]] HeldTables take_unwritten();
  /// What differs from the last look.  `as_of`: a position that the source had reached before it was asked.
  [[nodiscard]] std::vector<Change> look(const PublishedTables& now, Lsn as_of);
  /// Writes what has changed since the last time; keeps it for the next time when that throws.
  void save();
  [[nodiscard]] RememberedTables remembered() const;
  [[nodiscard]] KnownTables known() const { return remembered().tables; }

 private:
  struct Held {
    HeldTable table;
    Lsn at;                            ///< the transaction that this session has it from, or where the source was
    bool of_catalog = false;           ///< of the source, not of the stream
    std::optional<TableShape> before;  ///< that transaction: what it came upon
  };
  [[nodiscard]] static std::optional<TableShape> before(const Held& held, Lsn lsn);
  /// Of one that the stream has told.
  [[nodiscard]] const HeldTable* streamed(std::uint32_t oid) const;
  /// former_name() under the lock.
  [[nodiscard]] std::optional<QualifiedName> former(const QualifiedName& table) const;

  const Write write_;
  mutable std::mutex mutex_;
  std::mutex saving_;  ///< so that who returns from save() knows that everything is written
  KnownTables known_;
  std::map<std::uint32_t, Held> held_;
  HeldTables unwritten_;
  bool looked_;
  const bool ignore_new_;
  bool mark_look_ = false;
  std::set<QualifiedName> unsaved_;
};

}  // namespace walgate
