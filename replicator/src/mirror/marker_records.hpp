// marker_records.hpp - records that are about no single row: TRUNCATE, logical messages, and where transactions begin
// and end.
//
// In both formats they are Debezium's: an envelope with op t or m, and its transaction metadata.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "mirror/column_codec.hpp"
#include "mirror/json_buffer.hpp"
#include "mirror/record.hpp"
#include "mirror/source_block.hpp"
#include "mirror/source_text.hpp"
#include "wire/decoder.hpp"

namespace walgate::mirror {

/// How many records, tombstones apart, the changes of a transaction to one table made.
struct TableCount {
  std::string table;  ///< schema.table
  std::uint64_t records;
};

/// Makes one record after the other; the views of one last until the next.
class MarkerRecords {
 public:
  /// Everything given must outlive the object.
  MarkerRecords(const RecordOptions& options, const SourceText& text);

  /// op t: the table is empty.  Without a key.  `value_schema` is that of the table's values in format debezium.
  [[nodiscard]] Record truncate(const wire::Relation& relation, std::string_view value_schema,
                                const ChangeContext& context);
  /// op m, keyed by the prefix.
  [[nodiscard]] Record message(const wire::Message& message, const ChangeContext& context);
  /// A transaction's BEGIN; keyed by its name.
  [[nodiscard]] Record begin(const wire::Begin& transaction);
  /// A transaction's END with the number of its records, whole and per table.
  [[nodiscard]] Record end(const wire::Begin& transaction, std::span<const TableCount> tables);

 private:
  void start();
  void open(std::string_view schema);
  void close();
  [[nodiscard]] Record finish(bool has_key);
  void append_transaction_key(const wire::Begin& transaction);
  void append_transaction_head(std::string_view status, const wire::Begin& transaction);

  const RecordOptions& options_;
  const SourceText& text_;
  ColumnCodec content_;  ///< of a message: bytes, as a bytea column has them
  std::string message_value_schema_;
  SourceBlock source_;  ///< of no table
  JsonBuffer out_;
  std::size_t key_end_ = 0;
};

}  // namespace walgate::mirror
