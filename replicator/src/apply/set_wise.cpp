// set_wise.cpp - the way out for what the target refuses row by row.
//
// "DELETE FROM tree" is legal on the source, where foreign keys are checked at the end of the statement, and streams
// the parent first.  Where the target checks them, too, the transaction is applied by its net effect: children before
// parents for deletes, parents before children for inserts, and the rows of one table in one statement.
#include <algorithm>

#include "apply/applier.hpp"
#include "wire/array_value.hpp"

namespace walgate::apply {

bool Applier::apply_set_wise(const std::vector<Piece>& pieces) {
  auto effect = net_effect_of(pieces);
  if (!effect) return false;
  struct Part {
    TableEffect* effect;
    PreparedTable* table;
    std::size_t rank;
  };
  std::vector<Part> parts;
  for (auto& table_effect : effect->tables) {
    auto& table = table_of(*table_effect.relation, pieces.back().transaction);
    if (!table.plan.left_out) parts.push_back({&table_effect, &table, tables_.rank(table.plan.target)});
  }
  std::ranges::stable_sort(parts, {}, &Part::rank);

  const auto& transaction = pieces.back().transaction;
  Ticket ticket{.purpose = Purpose::row, .xid = transaction.xid, .final_lsn = transaction.final_lsn};
  const auto insert_all = [&] {
    for (auto& part : parts) apply_set(ticket, *part.effect, *part.table, wire::RecordKind::insert);
  };
  const auto delete_all = [&] {
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      apply_set(ticket, *part->effect, *part->table, wire::RecordKind::delete_);
    }
  };
  const bool inserts_first = history_.set_wise == SetWise::inserts_first;
  inserts_first ? insert_all() : delete_all();
  for (auto& part : parts) {
    Ticket updating = ticket;
    updating.kind = wire::RecordKind::update;
    updating.table = part.table;
    for (const auto& change : part.effect->updates) {
      apply_update(updating, *part.table, change);
      keep_pace();
    }
  }
  inserts_first ? delete_all() : insert_all();
  ++counted_.transactions;
  read_results(0);
  return true;
}

void Applier::apply_set(Ticket ticket, const TableEffect& effect, PreparedTable& table, wire::RecordKind kind) {
  const bool inserting = kind == wire::RecordKind::insert;
  const auto& changes = inserting ? effect.inserts : effect.deletes;
  if (changes.empty()) return;
  ticket.kind = kind;
  ticket.table = &table;
  const bool plain = !inserting || table.plan.on_duplicate == OnDuplicate::stop;
  const auto statement = !plain ? std::nullopt : inserting ? table.plan.insert_set() : table.plan.delete_set();
  if (!statement) {  // ON CONFLICT, or a column that cannot travel in an array: one by one
    for (const auto& change : changes) {
      inserting ? apply_insert(ticket, table, change) : apply_delete(ticket, table, change);
      keep_pace();
    }
    return;
  }
  std::vector<wire::ArrayValue> arrays;
  for (const auto& source : statement->parameters) {
    const auto& column = table.plan.columns[source.column];
    arrays.emplace_back(column.binary ? column.parameter_type : text_type);
  }
  for (const auto& change : changes) {
    wire::split_tuple(inserting ? change.new_tuple : change.old_tuple, new_values_);
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      const auto& column = table.plan.columns[statement->parameters[i].column];
      arrays[i].add(new_values_[inserting ? column.source : column.source_key]);
    }
  }
  std::optional<Prepared> prepared;
  prepare(ticket, prepared, *statement);
  parameters_.clear();
  for (auto& array : arrays) parameters_.add(array.bytes().data(), static_cast<int>(array.bytes().size()), true);
  ticket.rows = changes.size();
  pipeline_.execute(ticket, prepared->name, parameters_);
}

}  // namespace walgate::apply
