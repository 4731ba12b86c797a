// table_set.hpp - finds the plan for each relation version that the stream brings.
//
// The target's catalog is read once for all published tables when a session starts, and again when a relation comes
// that does not fit what was read: somebody may have altered the target meanwhile.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "apply/becoming.hpp"
#include "apply/prepared_table.hpp"
#include "apply/target_catalog.hpp"
#include "batch/seam.hpp"
#include "catalog/table_ledger.hpp"
#include "config/config.hpp"
#include "sync/event.hpp"

namespace walgate::apply {

/// Thrown where the stream brings changes of a table that has not been copied.
struct CopyNeeded {
  QualifiedName table;
  Lsn lsn;  ///< of the transaction: its final_lsn
};

/// Thrown where a relation version does not fit the target, or asks for something that only a person can know.
struct Misfit {
  QualifiedName source;
  std::vector<Difference> differences;

  /// As a permanent error.
  [[nodiscard]] Failure failure() const;
};

class TableSet {
 public:
  /// `relations`: what the source publishes at start.  `target` is only used here.
  /// `same_database`: source and target are one database, where a table must not be both.  `replica_role`: foreign keys
  /// and ordinary triggers of the target do not act.
  TableSet(const Config& config, const Event* stop, bool same_database, bool replica_role, const Seam& seam,
           TableLedger& ledger, postgres::Connection& target, const std::vector<wire::Relation>& relations,
           Becoming becoming = {});

  /// The table of this version, of which a transaction at `lsn` brings changes.  Throws Misfit, CopyNeeded, Error.
  PreparedTable& table(const wire::Relation& relation, Lsn lsn);
  /// What has to be stored in the transaction that brings the changes of the tables since the last time.
  [[nodiscard]] HeldTables take_unwritten() { return ledger_.take_unwritten(); }
  /// What keeps the changes of this version from being applied; changes nothing.  Of what the target looked like when
  /// this was made.
  /// `inserts`: rows of it are inserted, too.
  [[nodiscard]] std::vector<Difference> misfits(const wire::Relation& relation, Lsn lsn, bool inserts = false);
  /// The transaction at `lsn` has given rows that exist values that the stream does not hold.  `settled`: the target
  /// has them or does not want them, because the table is left out or waits for its copy, because a person has said so,
  /// or because its columns were altered as the source's since the last change that was applied.
  enum class Rewrite { settled, same_columns, other_columns };
  [[nodiscard]] Rewrite rewrite_of(const wire::Relation& relation, Lsn lsn) const;
  /// The rewrite may pass, and whatever made it pass answers no other: learns the columns, also where no row follows.
  void saw_rewrite(const wire::Relation& relation, Lsn lsn);
  /// A transaction has to wait, and the target stands at `position`.  Learns what was done in this session's time to
  /// the targets of tables, so that it is not taken for an answer to the transaction.
  void look_again(Lsn position, std::int64_t epoch);
  /// At the start of a session.  Learns the columns of tables of which nothing was streamed yet; `as_of`: where the
  /// source was after its catalog was read.
  void remember(const std::vector<wire::Relation>& relations, Lsn as_of);
  /// The session has no prepared statement any more.
  void forget_statements() noexcept;
  /// Does any mapped table have triggers or rules that act when we write?
  [[nodiscard]] bool any_fires() const;
  /// Tables in this order can be filled one after the other: what a key that is checked at once refers to has a lower
  /// rank.
  [[nodiscard]] std::size_t fill_rank(const TablePlan& plan) const { return rank(plan.target, false); }
  /// Has the target's table foreign keys, or do others refer to it?
  [[nodiscard]] bool has_foreign_keys(const TablePlan& plan) const;

 private:
  /// How many tables stand above this one along foreign keys: parents have lower ranks than their children.
  /// `deferrable`: along keys that can be checked later, too.
  [[nodiscard]] std::size_t rank(const QualifiedName& table, bool deferrable) const;
  /// Does it refer to itself, directly or around?
  [[nodiscard]] bool in_cycle(const QualifiedName& table) const;
  [[nodiscard]] bool fires(const TargetTable& table) const {
    return replica_role_ ? table.fires_as_replica : table.fires_as_origin;
  }
  [[nodiscard]] Order order_of(const TablePlan& plan) const;
  PreparedTable& keep(const wire::Relation& relation, TablePlan planned);
  static TablePlan left_out(const QualifiedName& source);
  void read(postgres::Connection& target, const std::vector<wire::Relation>& relations);
  /// How a relation is written, or what keeps it from being.
  struct Fit {
    TablePlan plan;
    std::vector<Difference> differences;
    std::vector<std::string> left_over;  ///< columns of the target that nothing fills any more
  };
  Fit fit(const wire::Relation& relation, Lsn lsn) const;
  std::pair<TablePlan, std::vector<Difference>> plan(const wire::Relation& relation,
                                                     const wire::Relation* becomes) const;
  [[nodiscard]] const TargetTable* target_of(const QualifiedName& source) const;
  /// Has the table to be copied first?
  [[nodiscard]] bool lacks(const wire::Relation& relation) const;
  [[nodiscard]] bool waits_for_copy(const wire::Relation& relation) const;
  /// Where the name stands for another table now: has the target got another one, too?
  [[nodiscard]] bool is_replaced(const QualifiedName& source) const;
  void tell(const QualifiedName& source, const Fit& fit) const;
  /// What check looks for at the start holds for relations that join later, too.
  std::vector<Difference> collisions(const wire::Relation& relation, const TablePlan& plan) const;

  const Config& config_;
  const Event* stop_;
  bool same_database_;
  bool replica_role_;
  const Seam& seam_;
  TableLedger& ledger_;
  const Becoming becoming_;
  std::map<std::uint32_t, std::string> sources_;  ///< OIDs and names of the relations that the stream has brought
  std::map<std::uint32_t, std::uint32_t> source_of_target_;  ///< OIDs
  std::map<QualifiedName, TargetTable> targets_;
  TargetTypes types_;
  std::map<std::uint32_t, Lsn> first_changes_;  ///< in this session, of which the columns were learned; by source's OID
  std::set<std::uint32_t> unaltered_;  ///< OIDs of tables whose targets were at the start as they are remembered
  std::map<std::uint32_t, TableState> states_;  ///< by OID of the target table
  std::vector<std::unique_ptr<PreparedTable>> by_serial_;
};

}  // namespace walgate::apply
