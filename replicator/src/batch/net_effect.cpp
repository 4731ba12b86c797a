#include "batch/net_effect.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "wire/big_endian.hpp"

namespace walgate {

namespace {

using wire::Change;
using wire::RecordKind;
using wire::Value;
using enum NetRow::Write;

std::size_t size_of(const Value& value) {
  return sizeof value.length + static_cast<std::size_t>(std::max(value.length, 0));
}

char* put(char* at, const Value& value) {
  wire::store_big_endian(at, value.length);
  if (value.length > 0) std::memcpy(at + sizeof value.length, value.data, static_cast<std::size_t>(value.length));
  return at + size_of(value);
}

bool is_known(const Value& value) {
  return value.length != wire::length_unchanged_toast;
}

}  // namespace

std::string_view NetEffect::joined(const std::vector<Value>& values, const std::vector<std::uint16_t>& columns) {
  std::size_t size = 0;
  bool adjacent = true;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto& value = values[columns[i]];
    if (!is_known(value)) return {};
    adjacent = adjacent && value.length >= 0 && (i == 0 || columns[i] == columns[i - 1] + 1);
    size += size_of(value);
  }
  // Neighbours already stand in the tuple as we want them.
  if (adjacent) return {values[columns.front()].data - sizeof(std::int32_t), size};
  auto* const bytes = static_cast<char*>(memory_.allocate(size, 1));
  auto* end = bytes;
  for (const auto column : columns) end = put(end, values[column]);
  return {bytes, size};
}

std::string_view NetEffect::key_in_row(const std::vector<Value>& values) {
  return joined(values, key_.in_row);
}

std::string_view NetEffect::old_key(const Change& change) {
  wire::split_tuple(change.old_tuple, older_);
  return joined(older_, (change.flags & wire::old_key) != 0 ? key_.in_old_key : key_.in_row);
}

NetEffect::Added NetEffect::add(const Change& change) {
  using enum Added;
  const bool inserts = change.kind == RecordKind::insert;
  if (slots_.empty()) {  // as long as only inserts come, nobody needs to find one
    if (inserts) {
      rows_.push_back({.tuple = change.new_tuple, .write = insert});
      return taken;
    }
    if (key_.in_row.empty() || !build_index()) return not_taken;
  }

  if (change.kind == RecordKind::delete_) {
    if (change.old_tuple.empty()) return not_taken;
    const auto key = old_key(change);
    if (key.empty()) return not_taken;
    auto& row = row_of(key);
    // What this batch has inserted was not there before.
    if (row.write != insert) {
      if (row.deletes) return not_taken;
      row.deletes = true;
    }
    row.write = nothing;
    row.tuple = {};
    return taken;
  }

  if (change.new_tuple.empty()) return not_taken;
  wire::split_tuple(change.new_tuple, values_);
  const auto key = key_in_row(values_);
  if (key.empty()) return not_taken;
  if (inserts) {
    auto& row = row_of(key);
    if (row.write != nothing) return not_taken;
    row.write = insert;
    row.tuple = change.new_tuple;
    return taken;
  }
  // A row that enters a row filter without all its values needs a person's eye.
  if ((change.flags & (wire::old_key | wire::enters_row_filter)) != 0) return not_taken;
  if (!change.old_tuple.empty() && old_key(change) != key) return not_taken;
  auto& row = row_of(key);
  if (row.write == nothing) {
    if (row.deletes) return not_taken;
    row.write = update;
    row.tuple = change.new_tuple;
  } else {
    if (merged_bytes_ > most_merged_bytes) return not_taken;
    row.tuple = merged(row.tuple, change.new_tuple);
  }
  return taken;
}

std::string_view NetEffect::merged(std::string_view before, std::string_view after) {
  // values_ holds `after`.
  if (std::ranges::all_of(values_, is_known)) return after;
  wire::split_tuple(before, older_);
  std::size_t size = sizeof(std::int16_t);
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (!is_known(values_[i])) values_[i] = older_[i];
    size += size_of(values_[i]);
  }
  merged_bytes_ += size;
  auto* const bytes = static_cast<char*>(memory_.allocate(size, 1));
  wire::store_big_endian(bytes, static_cast<std::int16_t>(values_.size()));
  auto* end = bytes + sizeof(std::int16_t);
  for (const auto& value : values_) end = put(end, value);
  return {bytes, size};
}

bool NetEffect::build_index() {
  slots_.assign(1024, no_row);
  for (std::uint32_t i = 0; i < rows_.size(); ++i) {
    wire::split_tuple(rows_[i].tuple, values_);
    const auto key = key_in_row(values_);
    if (2 * (i + 1) > slots_.size()) grow();
    auto& slot = slot_of(key);
    if (key.empty() || slot != no_row) {
      slots_.clear();
      return false;
    }
    slot = i;
    rows_[i].key = key;
  }
  return true;
}

std::uint32_t& NetEffect::slot_of(std::string_view key) {
  const auto mask = slots_.size() - 1;
  for (auto at = std::hash<std::string_view>{}(key)&mask;; at = (at + 1) & mask) {
    if (slots_[at] == no_row || rows_[slots_[at]].key == key) return slots_[at];
  }
}

void NetEffect::grow() {
  const std::vector<std::uint32_t> before =
      std::exchange(slots_, std::vector<std::uint32_t>(2 * slots_.size(), no_row));
  for (const auto row : before) {
    if (row != no_row) slot_of(rows_[row].key) = row;
  }
}

NetRow& NetEffect::row_of(std::string_view key) {
  if (2 * (rows_.size() + 1) > slots_.size()) grow();
  auto& slot = slot_of(key);
  if (slot == no_row) {
    slot = static_cast<std::uint32_t>(rows_.size());
    rows_.push_back({.key = key});
  }
  return rows_[slot];
}

void NetEffect::clear() noexcept {
  rows_.clear();
  slots_.clear();
  if (rows_.capacity() > most_rows_kept) rows_ = {};
  if (slots_.capacity() > 2 * most_rows_kept) slots_ = {};
  memory_.release();
  merged_bytes_ = 0;
}

}  // namespace walgate
