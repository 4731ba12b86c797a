#include "apply/prepared_table.hpp"

namespace walgate::apply {

namespace {

/// Empty where keys cannot be told apart by their bytes: then only inserts are summed up.
KeyColumns key_columns(const TablePlan& plan) {
  KeyColumns key;
  if (!plan.bytewise_key) return key;
  for (const auto& column : plan.columns) {
    if (!column.is_key) continue;
    key.in_row.push_back(column.source);
    key.in_old_key.push_back(column.source_key);
  }
  return key;
}

bool tuples_are_rows(const TablePlan& plan) {
  if (plan.columns.size() != plan.source_columns) return false;
  for (const auto& column : plan.columns) {
    if (column.locate_only) return false;
  }
  return true;
}

}  // namespace

PreparedTable::PreparedTable(TablePlan planned, Order ordered, TableState& its_state)
    : plan{std::move(planned)},
      order{ordered},
      state{&its_state},
      copy{plan.left_out ? std::nullopt : plan.copy()},
      copies_tuples{tuples_are_rows(plan)},
      pending{key_columns(plan)} {}

void PreparedTable::forget_statements() noexcept {
  insert.reset();
  remove.reset();
  update.reset();
  updates.clear();
  reads.clear();
  insert_set.reset();
  delete_set.reset();
  find_set.reset();
  update_sets.clear();
}

}  // namespace walgate::apply
