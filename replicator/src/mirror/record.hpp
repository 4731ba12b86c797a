// record.hpp - what goes into records, and what a record is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mirror/column_codec.hpp"
#include "wire/decoder.hpp"

namespace walgate::mirror {

enum class RecordFormat {
  debezium,  ///< an envelope: before, after, source, op
  flat       ///< the row itself, with __op, __lsn and __deleted
};

/// What all records of a pipeline have in common.
struct RecordOptions {
  RecordFormat format = RecordFormat::debezium;
  CodecOptions codec{};
  bool with_tombstones = true;          ///< a delete is followed by its key without a value
  bool with_transaction_block = false;  ///< records say where in their transaction they stand
  std::string pipeline;                 ///< Debezium's topic.prefix: `source.name`, and the start of schemas' names
  std::string database;
  std::string version;  ///< ours
};

/// Where a change stands.
struct ChangeContext {
  wire::Begin transaction;
  Lsn previous_commit{};  ///< final_lsn of the transaction before it; zero when not known
  /// Of the change's first record among those of the transaction, from 1; tombstones and messages do not count.
  std::uint64_t order = 0;
  std::uint64_t order_in_table = 0;  ///< the same, among those of the table
  std::int64_t now = 0;              ///< microseconds since 1970: when the record is made
};

/// One record; the views last until the next call of whoever gave it out.
struct Record {
  std::string_view key;
  std::string_view value;
  bool has_key = true;        ///< else its key is null
  bool is_tombstone = false;  ///< else there is a value
};

}  // namespace walgate::mirror
