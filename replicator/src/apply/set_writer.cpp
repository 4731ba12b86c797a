#include "apply/set_writer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

namespace walgate::apply {

namespace {

/// From how many rows on an array pays.
constexpr std::size_t least_rows_of_set = 4;
/// From how many rows on a COPY pays for its round trips.
constexpr std::size_t least_rows_of_copy = 500;
/// The server collects up to 1000 rows of a COPY in memory, whatever their size (copyfrom.c, MAX_BUFFERED_TUPLES).
constexpr std::size_t widest_row_of_copy = 16 * 1024;
/// More are several statements: a target that is slow over each row shows that it is at work.
constexpr std::size_t most_rows_of_set = 2000;

/// Cuts a key into its columns' values.
void split_key(std::string_view key, std::vector<wire::Value>& values) {
  values.clear();
  for (wire::Reader reader{key}; !reader.at_end();) {
    wire::Value value;
    value.length = reader.i32();
    if (value.length >= 0) value.data = reader.bytes(static_cast<std::size_t>(value.length)).data();
    values.push_back(value);
  }
}

}  // namespace

void SetWriter::pick(const Ticket& ticket, bool (*wanted)(const NetRow&, bool)) {
  picked_.clear();
  for (const auto& row : ticket.table->pending.rows()) {
    if (wanted(row, in_place_)) picked_.push_back(&row);
  }
}

bool SetWriter::are_few(const Ticket& ticket) const {
  // In the last resort it is the set that helps: its foreign keys are checked at its end.
  return picked_.size() < least_rows_of_set && ticket.purpose == Purpose::rows;
}

void SetWriter::find_passing(const Ticket& ticket) {
  pick(ticket, [](const NetRow& row, bool) { return row.was_passing(); });
  if (picked_.empty()) return;
  auto& table = *ticket.table;
  if (!table.find_set) table.find_set = prepare(ticket, table.plan.find_set());
  if (!*table.find_set) return;
  Ticket sent = ticket;
  sent.kind = wire::RecordKind::insert;
  send(sent, **table.find_set, picked_, true, false);
}

void SetWriter::write_deletes(const Ticket& ticket) {
  find_passing(ticket);
  pick(ticket, [](const NetRow& row, bool in_place) {
    return row.deletes && (!in_place || row.write == NetRow::Write::nothing);
  });
  if (picked_.empty()) return;
  // Sorted keys meet the index in its order, and two writers meet each other's locks in one order.
  std::ranges::sort(picked_, {}, [](const NetRow* row) { return row->key; });
  auto& table = *ticket.table;
  if (are_few(ticket)) return write_one_by_one(ticket, picked_, wire::RecordKind::delete_);
  if (!table.delete_set) table.delete_set = prepare(ticket, table.plan.delete_set());
  if (!*table.delete_set) return write_one_by_one(ticket, picked_, wire::RecordKind::delete_);
  Ticket sent = ticket;
  sent.kind = wire::RecordKind::delete_;
  send(sent, **table.delete_set, picked_, true);
}

void SetWriter::write_updates(const Ticket& ticket) {
  pick(ticket, [](const NetRow& row, bool in_place) {
    return row.write == NetRow::Write::update || (in_place && row.deletes && row.write == NetRow::Write::insert);
  });
  if (picked_.empty()) return;
  std::ranges::sort(picked_, {}, [](const NetRow* row) { return row->key; });
  if (are_few(ticket)) return write_one_by_one(ticket, picked_, wire::RecordKind::update);

  const auto& columns = ticket.table->plan.columns;
  const std::vector<bool> none(columns.size(), false);
  std::map<std::vector<bool>, Rows> partly;  // rows that lack values, by the columns that they lack
  std::erase_if(picked_, [&](const NetRow* row) {
    wire::split_tuple(row->tuple, values_);
    if (std::ranges::find(values_, wire::length_unchanged_toast, &wire::Value::length) == values_.end()) return false;
    auto unchanged = none;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      unchanged[i] = values_[columns[i].source].length == wire::length_unchanged_toast;
    }
    partly[unchanged].push_back(row);
    return true;
  });
  if (!picked_.empty()) write_updates_of(ticket, picked_, none);
  for (const auto& [unchanged, rows] : partly) write_updates_of(ticket, rows, unchanged);
}

void SetWriter::write_updates_of(const Ticket& ticket, const Rows& rows, const std::vector<bool>& unchanged) {
  auto& sets = ticket.table->update_sets;
  auto found = sets.find(unchanged);
  if (found == sets.end()) {
    found = sets.emplace(unchanged, prepare(ticket, ticket.table->plan.update_set(unchanged))).first;
  }
  if (!found->second) return write_one_by_one(ticket, rows, wire::RecordKind::update);
  Ticket sent = ticket;
  sent.kind = wire::RecordKind::update;
  send(sent, *found->second, rows, false);
}

void SetWriter::write_inserts(const Ticket& ticket) {
  pick(ticket, [](const NetRow& row, bool in_place) {
    return row.write == NetRow::Write::insert && !(in_place && row.deletes);
  });
  if (picked_.empty()) return;
  auto& table = *ticket.table;
  if (are_few(ticket)) return write_one_by_one(ticket, picked_, wire::RecordKind::insert);
  if (table.copy && table.plan.on_duplicate == OnDuplicate::stop && picked_.size() >= least_rows_of_copy &&
      std::ranges::all_of(picked_, [](const NetRow* row) { return row->tuple.size() <= widest_row_of_copy; })) {
    return copy(ticket);
  }
  if (!table.insert_set) table.insert_set = prepare(ticket, table.plan.insert_set());
  if (!*table.insert_set) return write_one_by_one(ticket, picked_, wire::RecordKind::insert);
  Ticket sent = ticket;
  sent.kind = wire::RecordKind::insert;
  send(sent, **table.insert_set, picked_, false);
}

std::optional<Prepared> SetWriter::prepare(const Ticket& ticket, std::optional<Statement> statement) {
  if (!statement) return std::nullopt;
  return target_.prepare(ticket, std::move(*statement));
}

void SetWriter::send(Ticket ticket, const Prepared& prepared, std::span<const NetRow* const> rows, bool key_only,
                     bool hits) {
  const auto& plan = ticket.table->plan;
  const auto& sources = prepared.statement.parameters;
  std::vector<std::size_t> positions;  // of each parameter's value
  for (const auto& source : sources) {
    const auto& column = plan.columns[source.column];
    positions.push_back(key_only ? column.source_key : column.source);
  }
  arrays_.resize(std::max(arrays_.size(), positions.size()));
  for (; !rows.empty(); rows = rows.subspan(std::min(rows.size(), most_rows_of_set))) {
    const auto part = rows.first(std::min(rows.size(), most_rows_of_set));
    for (std::size_t i = 0; i < positions.size(); ++i) arrays_[i].start(plan.columns[sources[i].column].parameter_type);
    for (const auto* row : part) {
      key_only ? split_key(row->key, values_) : wire::split_tuple(row->tuple, values_);
      for (std::size_t i = 0; i < positions.size(); ++i) arrays_[i].add(values_[positions[i]]);
    }
    parameters_.clear();
    for (std::size_t i = 0; i < positions.size(); ++i) {
      const auto bytes = arrays_[i].bytes();
      parameters_.add(bytes.data(), static_cast<int>(bytes.size()), true);
    }
    ticket.rows = hits ? part.size() : 0;
    target_.execute(ticket, prepared, parameters_);
    target_.keep_pace();
  }
}

void SetWriter::write_one_by_one(const Ticket& ticket, const Rows& rows, wire::RecordKind kind) {
  std::string old_key;
  for (const auto* row : rows) {
    wire::Change change;
    change.kind = kind;
    if (kind == wire::RecordKind::delete_) {
      // As the stream writes an old key image: the columns' number, then length and bytes of each.
      split_key(row->key, values_);
      old_key.resize(sizeof(std::int16_t));
      wire::store_big_endian(old_key.data(), static_cast<std::int16_t>(values_.size()));
      old_key += row->key;
      change.flags = wire::old_key;
      change.old_tuple = old_key;
    } else {
      change.new_tuple = row->tuple;
    }
    rows_.write(ticket, change);
  }
}

void SetWriter::lock_types(const Ticket& ticket) {
  // COPY BINARY carries no types: a column that somebody has altered would be filled with wrong values.  The lock keeps
  // the types that we compare until the transaction ends.
  const auto& table = *ticket.table;
  if (!checked_.insert(&table).second) return;
  std::vector<std::string> names;
  std::string types;
  for (const auto& column : table.plan.columns) {
    if (column.locate_only) continue;
    names.push_back(quote_literal(column.target));
    types += fmt::format("{}{}", types.empty() ? "" : ",", column.parameter_type);
  }
  Ticket asking = ticket;
  asking.purpose = Purpose::note;
  target_.query(asking, fmt::format("LOCK TABLE {} IN ROW EXCLUSIVE MODE", table.plan.target.quoted()));
  asking.purpose = Purpose::types;
  target_.query(
      asking, fmt::format("SELECT pg_catalog.string_agg(coalesce(a.atttypid, 0)::text, ',' ORDER BY w.at) = '{}' FROM "
                          "pg_catalog.unnest(ARRAY[{}]::text[]) WITH ORDINALITY w(name, at) "
                          "LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = {} AND a.attname = w.name",
                          types, fmt::join(names, ", "), table.plan.target_oid));
}

void SetWriter::copy(const Ticket& ticket) {
  auto& table = *ticket.table;
  Ticket sent = ticket;
  sent.kind = wire::RecordKind::insert;
  sent.rows = picked_.size();
  lock_types(ticket);
  const auto columns = std::ranges::count(table.plan.columns, false, &PlannedColumn::locate_only);
  copied_.clear();
  for (const auto* row : picked_) {
    if (table.copies_tuples) {
      copied_.insert(copied_.end(), row->tuple.begin(), row->tuple.end());
      continue;
    }
    wire::split_tuple(row->tuple, values_);
    const auto append = [&]<typename Integer>(Integer number) {
      copied_.resize(copied_.size() + sizeof number);
      wire::store_big_endian(copied_.data() + copied_.size() - sizeof number, number);
    };
    append(static_cast<std::int16_t>(columns));
    for (const auto& column : table.plan.columns) {
      if (column.locate_only) continue;
      const auto& value = values_[column.source];
      append(value.length);
      if (value.length > 0) copied_.insert(copied_.end(), value.data, value.data + value.length);
    }
  }
  target_.copy(sent, *table.copy, {copied_.data(), copied_.size()});
}

}  // namespace walgate::apply
