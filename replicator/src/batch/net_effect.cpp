#include "batch/net_effect.hpp"

#include <unordered_map>

namespace walgate {

namespace {

using wire::Change;
using wire::RecordKind;
using wire::Value;

void append_number(std::string& bytes, std::uint32_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
}

void append_value(std::string& bytes, const Value& value) {
  append_number(bytes, static_cast<std::uint32_t>(value.length), 4);
  if (value.length > 0) bytes.append(value.data, static_cast<std::size_t>(value.length));
}

/// A tuple of these values, in the form of the stream.
std::string tuple_of(const std::vector<Value>& values) {
  std::string bytes;
  append_number(bytes, static_cast<std::uint32_t>(values.size()), 2);
  for (const auto& value : values) append_value(bytes, value);
  return bytes;
}

/// What has become of one key so far.
struct Row {
  bool existed = false;    ///< before the first of the changes
  bool exists = false;     ///< after the last one
  std::string_view key;    ///< a tuple of the key columns
  std::string_view tuple;  ///< the new image, when it exists
};

class Summing {
 public:
  std::optional<NetEffect> sum(std::span<const Piece> pieces) {
    for (const auto& piece : pieces) {
      for (const auto& change : piece.frame.changes) {
        if (!add(change)) return std::nullopt;
      }
    }
    NetEffect effect;
    for (const auto& table : order_) effect.tables.push_back(finish(*table));
    effect.storage = std::move(storage_);
    return effect;
  }

 private:
  struct Table {
    const wire::Relation* relation = nullptr;
    std::unordered_map<std::string_view, std::size_t> by_key;  ///< into rows
    std::vector<Row> rows;
    std::vector<Change> keyless_inserts;
  };

  bool add(const Change& change) {
    // A row that enters a row filter without all its values needs a person's eye: see Applier::apply_update.
    if (change.kind == RecordKind::truncate || (change.flags & wire::enters_row_filter) != 0) return false;
    auto& slot = tables_[change.relation->oid];
    if (!slot) {
      slot = std::make_unique<Table>();
      slot->relation = change.relation;
      order_.push_back(slot.get());
    }
    auto& table = *slot;
    if (table.relation != change.relation) return false;
    if (change.relation->key_columns == 0) {
      if (change.kind != RecordKind::insert) return false;
      table.keyless_inserts.push_back(change);
      return true;
    }
    const auto key = key_of(change);
    if (!key) return false;
    const auto [found, is_new] = table.by_key.emplace(*key, table.rows.size());
    if (is_new) table.rows.push_back({.existed = change.kind != RecordKind::insert, .key = *key});
    auto& row = table.rows[found->second];
    switch (change.kind) {
      case RecordKind::insert:
        row.tuple = change.new_tuple;
        break;
      case RecordKind::update:
        row.tuple = row.exists ? merged(row.tuple, change.new_tuple) : change.new_tuple;
        break;
      default:
        row.tuple = {};
        break;
    }
    row.exists = change.kind != RecordKind::delete_;
    return true;
  }

  /// The key columns' tuple, as a delete would carry it; nullopt when the change has none or changes it.
  std::optional<std::string_view> key_of(const Change& change) {
    if (change.kind == RecordKind::delete_) {
      if ((change.flags & wire::old_key) == 0) return std::nullopt;
      return change.old_tuple;
    }
    if (!change.old_tuple.empty() || change.new_tuple.empty()) return std::nullopt;
    wire::split_tuple(change.new_tuple, values_);
    std::vector<Value> key;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (!change.relation->columns[i].is_key) continue;
      if (values_[i].length < 0) return std::nullopt;
      key.push_back(values_[i]);
    }
    return storage_.emplace_back(tuple_of(key));
  }

  /// `after` with its unchanged values taken from `before`.
  std::string_view merged(std::string_view before, std::string_view after) {
    wire::split_tuple(after, values_);
    wire::split_tuple(before, older_);
    bool taken = false;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (values_[i].length != wire::length_unchanged_toast) continue;
      values_[i] = older_[i];
      taken = true;
    }
    return taken ? std::string_view{storage_.emplace_back(tuple_of(values_))} : after;
  }

  static TableEffect finish(const Table& table) {
    TableEffect effect{.relation = table.relation, .inserts = table.keyless_inserts};
    for (const auto& row : table.rows) {
      Change change;
      change.relation = table.relation;
      if (row.exists) {
        change.kind = row.existed ? RecordKind::update : RecordKind::insert;
        change.new_tuple = row.tuple;
        (row.existed ? effect.updates : effect.inserts).push_back(change);
      } else if (row.existed) {
        change.kind = RecordKind::delete_;
        change.flags = wire::old_key;
        change.old_tuple = row.key;
        effect.deletes.push_back(change);
      }
    }
    return effect;
  }

  std::unordered_map<std::uint32_t, std::unique_ptr<Table>> tables_;
  std::vector<Table*> order_;
  std::deque<std::string> storage_;
  std::vector<Value> values_;
  std::vector<Value> older_;
};

}  // namespace

std::optional<NetEffect> net_effect_of(std::span<const Piece> pieces) {
  return Summing{}.sum(pieces);
}

}  // namespace walgate
