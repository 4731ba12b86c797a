// net_effect.hpp - what whole transactions come to, per table and key.
//
// Insert and update become one insert, two updates one, insert and delete nothing, update and delete a delete, delete
// and insert an update of every column.  Keys are compared by their bytes; two byte forms of one value (numeric 1.0
// and 1.00) count as two keys, which is why the caller runs deletes and inserts in an order of its own and lets the
// server judge.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "batch/piece.hpp"
#include "wire/decoder.hpp"

namespace walgate {

/// The changes of one relation that are left, each key at most once.  Tuples point into the pieces or into
/// NetEffect::storage.
struct TableEffect {
  const wire::Relation* relation = nullptr;
  std::vector<wire::Change> inserts;
  std::vector<wire::Change> updates;  ///< by the key in their new image
  std::vector<wire::Change> deletes;  ///< by their old key
};

struct NetEffect {
  std::vector<TableEffect> tables;  ///< in the order of their first change
  std::deque<std::string> storage;  ///< merged tuples
};

/// nullopt when the changes cannot be summed up: a truncate, a row without a key, a changed key, a relation that
/// changed its shape in between.
[[nodiscard]] std::optional<NetEffect> net_effect_of(std::span<const Piece> pieces);

}  // namespace walgate
