// source_block.hpp - the part of an envelope that says where a change comes from, and when.
#pragma once

#include <string>
#include <string_view>

#include "mirror/json_buffer.hpp"
#include "mirror/record.hpp"

namespace walgate::mirror {

/// The field schema of `source`.
[[nodiscard]] std::string source_schema();
/// The field schema of `transaction`.
[[nodiscard]] std::string transaction_block_schema();

/// Writes `source` for one table, or for none.  Our position of a change is that of its commit: `lsn` is final_lsn, and
/// `sequence` has the commit before it and this one.
class SourceBlock {
 public:
  /// Names in UTF-8; empty for what belongs to no table.
  SourceBlock(const RecordOptions& options, std::string_view schema, std::string_view table);

  /// Appends the object; `is_read` for a row of an initial copy.
  void append(JsonBuffer& out, const ChangeContext& context, bool is_read);

 private:
  std::string head_;    ///< up to the time
  std::string middle_;  ///< from the database's name to the sequence
  std::string tail_;    ///< the names of schema and table
  // What was written last: the changes of a transaction follow each other.
  JsonBuffer last_;
  Lsn last_lsn_{};
  bool last_is_read_ = false;
};

/// Appends `transaction`: an object, or null where records have none.  `records_before` are those of the same change.
void append_transaction_block(JsonBuffer& out, const RecordOptions& options, const ChangeContext& context,
                              std::uint64_t records_before = 0);
/// Appends "xid:lsn", which names a transaction, with quotes.
void append_transaction_id(JsonBuffer& out, const wire::Begin& transaction);
/// Appends ,"ts_ms":…,"ts_us":…,"ts_ns":… of microseconds since 1970.
void append_times(JsonBuffer& out, std::int64_t microseconds);
/// Microseconds since 1970 of one of PostgreSQL's times.
[[nodiscard]] std::int64_t epoch_microseconds(std::int64_t postgres_time) noexcept;

}  // namespace walgate::mirror
