// change.hpp - what the callbacks hand to a writer.
#pragma once

#include "relation_cache.hpp"

namespace walgate {

/// The transaction that is being decoded.
struct Transaction {
  TransactionId xid;
  XLogRecPtr final_lsn;  ///< where its commit record starts
  XLogRecPtr end_lsn;    ///< the byte after it
  TimestampTz commit_time;
  RepOriginId origin;     ///< the replication that brought it, if any
  std::uint64_t changes;  ///< inserts, updates, deletes and truncates written so far
};

/// Which old image the WAL holds.
enum class OldImage : std::uint8_t { none, key, full };

/// An insert, update or delete.
struct RowChange {
  wire::RecordKind kind;
  OldImage old_image;
  bool has_new;
  bool enters_row_filter;  ///< an update that has become an insert, but for values that the WAL does not hold
  Row old_row;
  Row new_row;
};

struct Truncation {
  bool cascade;
  bool restart_identity;
  RelationEntry* const* relations;  ///< the published ones, at least one
  int count;
  /// The partitions that were emptied, one for each of `relations`, under whose names they are published; null where the
  /// relations themselves were.
  const Relation* partitions;
};

struct LogicalMessage {
  bool transactional;
  XLogRecPtr lsn;
  const char* prefix;
  std::string_view content;
};

}  // namespace walgate
