#include "apply/images.hpp"

#include <algorithm>
#include <set>

#include "wire/big_endian.hpp"

namespace walgate::apply {

namespace {

bool is_update_that_lacks(const wire::Change& change, std::vector<wire::Value>& values) {
  // With identity full the old image has what the new one lacks.
  if (change.kind != wire::RecordKind::update || change.new_tuple.empty() || (change.flags & wire::old_full) != 0)
    return false;
  wire::split_tuple(change.new_tuple, values);
  return std::ranges::any_of(values,
                             [](const wire::Value& value) { return value.length == wire::length_unchanged_toast; });
}

/// Length and bytes of each value.
std::string joined(const std::vector<wire::Value>& key) {
  std::string text;
  for (const auto& value : key) {
    char length[sizeof value.length];
    wire::store_big_endian(length, value.length);
    text.append(length, sizeof length);
    if (value.length > 0) text.append(value.data, static_cast<std::size_t>(value.length));
  }
  return text;
}

/// The values of the identity's columns: out of a whole row, or out of an image that has them alone.
std::vector<wire::Value> key_of(const wire::Relation& relation, const std::vector<wire::Value>& values) {
  if (values.size() != relation.columns.size()) return values;
  std::vector<wire::Value> key;
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    if (relation.columns[i].is_key) key.push_back(values[i]);
  }
  return key;
}

}  // namespace

bool Images::are_lacking(std::span<const Piece> pieces) {
  std::vector<wire::Value> values;
  return std::ranges::any_of(pieces, [&](const Piece& piece) {
    return std::ranges::any_of(piece.frame.changes,
                               [&](const wire::Change& change) { return is_update_that_lacks(change, values); });
  });
}

void Images::ask(std::span<const Piece> pieces, const IsApplied& is_applied, const FindTable& table_of) {
  rows_.clear();
  asked_from_ = first_answer_ + answers_.size();
  std::map<std::uint32_t, const wire::Relation*> versions;
  std::set<std::uint32_t> relations;
  std::set<std::uint32_t> changing;  // a column's place, or what tells rows apart, may be another in each version
  for (const auto& piece : pieces) {
    for (const auto& change : piece.frame.changes) {
      if (change.relation == nullptr) continue;
      const auto* const seen = versions.try_emplace(change.relation->oid, change.relation).first->second;
      if (seen != change.relation) changing.insert(change.relation->oid);
      if (is_update_that_lacks(change, new_values_)) relations.insert(change.relation->oid);
    }
  }
  for (const auto oid : changing) relations.erase(oid);
  for (const auto& piece : pieces) {
    for (std::size_t i = 0; i < piece.frame.changes.size(); ++i) {
      const auto& change = piece.frame.changes[i];
      // Of rows that a TRUNCATE has taken no update comes, and an insert begins anew.
      if (change.relation != nullptr && relations.contains(change.relation->oid) && change.relation->key_columns > 0 &&
          is_applied(*change.relation, piece.transaction)) {
        follow(piece, i, table_of);
      }
    }
  }
  rows_.clear();
}

void Images::follow(const Piece& piece, std::size_t index, const FindTable& table_of) {
  const auto& change = piece.frame.changes[index];
  const auto& relation = *change.relation;
  auto& rows = rows_[relation.oid];
  const bool has_old = !change.old_tuple.empty();
  if (has_old) wire::split_tuple(change.old_tuple, old_values_);
  if (change.kind == wire::RecordKind::delete_) {
    if (has_old) rows.erase(joined(key_of(relation, old_values_)));
    return;
  }
  if (change.new_tuple.empty()) return;
  wire::split_tuple(change.new_tuple, new_values_);
  auto key = key_of(relation, new_values_);
  const auto old_key = has_old ? key_of(relation, old_values_) : key;
  for (std::size_t i = 0; i < key.size(); ++i) {  // a key that did not change may be left out, too
    if (key[i].length == wire::length_unchanged_toast) key[i] = old_key[i];
  }
  Row row;
  if (change.kind == wire::RecordKind::update) {
    if (auto known = rows.extract(joined(old_key))) {
      row = std::move(known.mapped());
    } else {
      row.first_key = old_key;
    }
  }
  row.values.resize(relation.columns.size());
  std::vector<std::uint16_t> unknown;
  bool lacks = false;
  std::size_t in_key = 0;
  for (std::size_t i = 0; i < new_values_.size(); ++i) {
    const bool is_key = relation.columns[i].is_key;
    const auto& value = is_key ? key[in_key++] : new_values_[i];
    if (value.length != wire::length_unchanged_toast) {
      row.values[i] = {.kind = Place::Kind::here, .here = value};
      continue;
    }
    lacks = true;
    if (row.values[i].kind == Place::Kind::nowhere) unknown.push_back(static_cast<std::uint16_t>(i));
  }
  if (!unknown.empty() && !row.first_key.empty()) read(row, unknown, relation, piece.transaction, table_of);
  if (lacks) lacking_.push_back({piece.bytes.get(), index, row.values, asked_from_});
  rows.insert_or_assign(joined(key), std::move(row));
}

void Images::read(Row& row, const std::vector<std::uint16_t>& columns, const wire::Relation& relation,
                  const wire::Begin& transaction, const FindTable& table_of) {
  constexpr std::uint32_t first_user_oid = 16384;
  auto* const table = table_of(relation, transaction);
  if (table == nullptr || !table->plan.has_key) return;
  const auto& plan = table->plan;
  std::vector<bool> wanted(plan.columns.size(), false);
  std::size_t fields = 0;
  for (std::size_t i = 0; i < plan.columns.size(); ++i) {
    const auto& column = plan.columns[i];
    // What the target holds as another type is another value; what holds a type's OID is the target's own.
    const bool is_same = !column.other_type && column.cast.empty() && !column.locate_only &&
                         relation.columns[column.source].base_oid < first_user_oid;
    if (!is_same || std::ranges::find(columns, column.source) == columns.end()) continue;
    wanted[i] = true;
    row.values[column.source] = {.kind = Place::Kind::read, .row = first_answer_ + answers_.size(), .field = fields++};
  }
  if (fields == 0) return;
  auto found = table->reads.find(wanted);
  const Ticket ticket{.purpose = Purpose::image,
                      .xid = transaction.xid,
                      .final_lsn = transaction.final_lsn,
                      .table = table,
                      .image = first_answer_ + answers_.size()};
  if (found == table->reads.end()) {
    found = table->reads.emplace(wanted, target_.prepare(ticket, plan.read(wanted))).first;
  }
  parameters_.clear();
  for (const auto& source : found->second.statement.parameters) {
    const auto& column = plan.columns[source.column];
    const auto& value = row.first_key[column.source_key];
    parameters_.add(value.data, value.length < 0 ? 0 : value.length, column.binary);
  }
  target_.execute(ticket, found->second, parameters_, true);
  answers_.emplace_back();
}

void Images::on_result(const Ticket& ticket, const PGresult* result) {
  auto& answer = answers_.at(ticket.image - first_answer_);
  // Beyond that much the mirror does without, as it does where it is behind.
  constexpr std::size_t most_bytes = 64UL * 1024 * 1024;
  answer.found = PQntuples(result) == 1 && bytes_ < most_bytes;
  if (!answer.found) return;
  for (int i = 0; i < PQnfields(result); ++i) {
    auto& field = answer.fields.emplace_back();
    if (PQgetisnull(result, 0, i) == 0)
      field.emplace(PQgetvalue(result, 0, i), static_cast<std::size_t>(PQgetlength(result, 0, i)));
    if (field) bytes_ += field->size();
  }
}

void Images::complete(std::span<Piece> pieces) {
  for (auto& piece : pieces) {
    while (!lacking_.empty() && lacking_.front().frame == piece.bytes.get()) {
      piece.completed.push_back({lacking_.front().change, tuple_of(lacking_.front().values)});
      lacking_.pop_front();
    }
  }
  const auto needed = lacking_.empty() ? first_answer_ + answers_.size() : lacking_.front().first_answer;
  for (; first_answer_ < needed && !answers_.empty(); ++first_answer_) {
    for (const auto& field : answers_.front().fields) bytes_ -= field ? field->size() : 0;
    answers_.pop_front();
  }
}

std::string Images::tuple_of(const std::vector<Place>& values) const {
  std::string tuple(sizeof(std::int16_t), '\0');
  wire::store_big_endian(tuple.data(), static_cast<std::int16_t>(values.size()));
  const auto add = [&](std::int32_t length, const char* bytes) {
    char number[sizeof length];
    wire::store_big_endian(number, length);
    tuple.append(number, sizeof number);
    if (length > 0) tuple.append(bytes, static_cast<std::size_t>(length));
  };
  for (const auto& place : values) {
    switch (place.kind) {
      case Place::Kind::nowhere:
        add(wire::length_unchanged_toast, nullptr);
        break;
      case Place::Kind::here:
        add(place.here.length, place.here.data);
        break;
      case Place::Kind::read: {
        const auto& answer = answers_.at(place.row - first_answer_);
        if (!answer.found) {
          add(wire::length_unchanged_toast, nullptr);
        } else if (const auto& field = answer.fields.at(place.field)) {
          add(static_cast<std::int32_t>(field->size()), field->data());
        } else {
          add(wire::length_null, nullptr);
        }
        break;
      }
    }
  }
  return tuple;
}

}  // namespace walgate::apply
