// row_writer.hpp - the strict path: one statement per change, in the order in which they are given.
#pragma once

#include <vector>

#include "apply/target_pipeline.hpp"

namespace walgate::apply {

class RowWriter {
 public:
  /// `replica_role`: foreign keys of the target do not act.
  RowWriter(TargetPipeline& target, bool replica_role) : target_{target}, replica_role_{replica_role} {}

  /// Sends an insert, update or delete; the ticket names purpose, transaction and table.  Throws Error where the change
  /// does not say which row it is about.
  void write(Ticket ticket, const wire::Change& change);

 private:
  void insert(const Ticket& ticket, const wire::Change& change);
  void update(const Ticket& ticket, const wire::Change& change);
  void remove(const Ticket& ticket, const wire::Change& change);
  /// The row is found by its old image although the key may be the same (identity full).
  [[nodiscard]] bool key_differs(const TablePlan& plan, const wire::Change& change) const;
  const Prepared& prepared(const Ticket& ticket, std::optional<Prepared>& slot, Statement (TablePlan::*make)() const);
  void execute(const Ticket& ticket, const Prepared& prepared, bool old_is_key);
  [[noreturn]] static void not_identified(const Ticket& ticket);

  TargetPipeline& target_;
  const bool replica_role_;

  // Scratch, so that a row costs no allocation.
  std::vector<wire::Value> new_values_;
  std::vector<wire::Value> old_values_;
  std::vector<bool> unchanged_;
  postgres::Parameters parameters_;
};

}  // namespace walgate::apply
