// table_records.hpp - the records of one version of a table.
//
// Made once when the relation is described, used for every change to it.  Which records a change becomes:
//
//   insert             c
//   update             u; where the key changes, d and a tombstone of the old key, and c of the new one
//   delete             d and a tombstone
//   row of a copy      r
//   key that a copy    d and a tombstone
//    does not hold
//   truncate           t, without a key
//
// A table without key columns has records without a key, and no tombstones.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "errors/error.hpp"
#include "mirror/column_codec.hpp"
#include "mirror/json_buffer.hpp"
#include "mirror/record.hpp"
#include "mirror/source_block.hpp"
#include "wire/decoder.hpp"
#include "wire/relation.hpp"

namespace walgate::mirror {

/// What a change failed with, with the transaction that `skip` would leave out; rows of a copy belong to none.
[[nodiscard]] Error at_transaction(Failure failure, const wire::Begin& transaction);

/// The columns of the replica identity, which are the key where nothing else is configured.
[[nodiscard]] std::vector<std::uint16_t> identity_columns(const wire::Relation& relation);

class TableRecords {
 public:
  /// `key` lists columns of the relation, in the order that the key has them.  Everything given must outlive the
  /// object. Throws Error: column_not_mirrored for types without a form, mirror_key_unknown for a key column whose old
  /// value an update or delete would not tell.
  TableRecords(const wire::Relation& relation, std::span<const std::uint16_t> key, const RecordOptions& options,
               const SourceTypes& types, const SourceText& text);

  /// The records of an insert, update or delete, in their order.  `complete` are the values of the whole row from
  /// elsewhere, or empty: they stand in for those that the WAL does not hold.  Throws Error: change_not_identified,
  /// row_filter_without_values, value_not_mirrored.
  [[nodiscard]] std::span<const Record> of_change(const wire::Change& change, const ChangeContext& context,
                                                  std::span<const wire::Value> complete = {});
  /// The record of a row that an initial copy has read; `tuple` is whole.
  [[nodiscard]] std::span<const Record> of_row(std::string_view tuple, const ChangeContext& context);
  /// The records that say that the row of a key is gone, which only the topic knows: the key is in the form in which
  /// this or an earlier release has sent it.  Empty for a text that is no key.
  [[nodiscard]] std::span<const Record> of_gone(std::string_view key, const ChangeContext& context);
  /// The record that says that the table was emptied.
  [[nodiscard]] std::span<const Record> of_truncate(const ChangeContext& context);
  /// The columns of the last change whose value was not known: the placeholder stands there, or null.
  [[nodiscard]] std::span<const std::uint16_t> unavailable() const noexcept { return unavailable_; }

  [[nodiscard]] bool has_key() const noexcept { return !key_.empty(); }

 private:
  enum class Operation : char { create = 'c', update = 'u', remove = 'd', read = 'r', truncate = 't' };
  using Row = std::span<const wire::Value>;

  void read_old_tuple(const wire::Change& change);
  void complete_new_values(const wire::Change& change, Row complete);
  [[nodiscard]] bool key_differs() const;
  void start();
  void add(Operation operation, Row key, Row before, Row after, const ChangeContext& context);
  void append_value_of(Operation operation, Row before, Row after, const ChangeContext& context);
  void add_tombstone();
  void append_key(Row row);
  void append_envelope(Operation operation, Row before, Row after, const ChangeContext& context);
  void append_flat(Operation operation, Row row, const ChangeContext& context);
  void append_row(Row row);
  void append_value(std::size_t column, const wire::Value& value);
  [[nodiscard]] std::span<const Record> finish();

  const wire::Relation& relation_;
  const RecordOptions& options_;
  std::vector<std::uint16_t> key_;
  std::vector<std::uint16_t> identity_;
  std::vector<ColumnCodec> codecs_;
  std::vector<std::string> labels_;  ///< of each column: "name": with its quotes and colon
  std::string key_head_;             ///< what stands before the key's object
  std::string value_head_;           ///< what stands before the value's object
  std::string truncate_head_;        ///< the same, in the record of a truncate
  std::vector<std::string> gone_;    ///< JSON of each column of a row that is known by its key; empty: no such row
  SourceBlock source_;

  // Of the last change:
  std::vector<wire::Value> new_values_;
  std::vector<wire::Value> old_values_;
  std::vector<wire::Value> identity_values_;
  std::vector<std::uint16_t> unavailable_;
  std::size_t at_column_ = 0;  ///< whose value is written
  JsonBuffer out_;
  struct Piece {  ///< of out_
    std::size_t key_start, key_end, value_end;
    bool has_key, is_tombstone;
  };
  std::vector<Piece> pieces_;
  std::vector<Record> records_;
};

}  // namespace walgate::mirror
