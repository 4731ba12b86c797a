// relation_cache.hpp - what a session knows about each relation it has met.
//
// An entry is built from the historic catalog when the first change of its relation arrives and again after
// the server has told us that something it depends on may have changed.  Invalidations arrive at any catalog
// access, also in the middle of building an entry, so the callbacks only mark; nothing is freed there.
#pragma once

#include "row_filter.hpp"
#include "value_codec.hpp"

extern "C" {
#include "utils/hsearch.h"
}

namespace walgate {

/// One published column, in the order of the published table.
struct Column {
  int index;             ///< in a deformed tuple of the relation
  std::uint16_t number;  ///< of the published table's attribute: a rename keeps it
  bool is_key;
  bool is_generated;
  ValueCodec codec;
  ColumnType type;
  std::int32_t typmod;
  const char* name;
};

struct RelationEntry;

/// A relation as the reader knows it.  All partitions that are published under one name share it.
struct PublishedRelation {
  Oid oid;  ///< the key of the hash table: first, as it demands
  std::uint32_t id;
  std::uint32_t version;              ///< of the description; 0 before the first
  const RelationEntry* described_by;  ///< whose description the reader holds; null when none is known to fit
  char* description;                  ///< its bytes, in the cache's own context
  std::size_t description_size;
  XLogRecPtr rewritten_at;  ///< final_lsn of the last transaction that told of a rewrite
};

/// A relation as the WAL knows it.
struct RelationEntry {
  Oid oid;  ///< the key of the hash table: first, as it demands
  bool valid;
  XLogRecPtr written_in;  ///< final_lsn of the last transaction whose changes of it were sent
  Selection selection;    ///< what of it is published
  // The rest is set only where something is published; names and kind are those of `published`.
  PublishedRelation* published;
  const char* schema;
  const char* name;
  char kind;
  char replica_identity;  ///< of the relation itself: the WAL holds what it asks for
  Column* columns;
  int column_count;
  int key_count;
  bool has_text;  ///< a column is written by its output function
  bool has_filter;
  RowFilter filter;  ///< set where has_filter
  TypeHashes types;
  MemoryContext context;  ///< of everything above that is a pointer
};

/// All relations of a session.
class RelationCache {
 public:
  /// Everything lives under `parent`.  With `text_only` every column is written by its output function.  The cache is
  /// told about changes of the catalog until `parent` goes; there is one open cache in a process.
  void open(MemoryContext parent, List* publications, bool text_only);

  /// Notes that the reader is about to get the description of `entry`, and whether it has to be sent.
  [[nodiscard]] bool must_describe(RelationEntry& entry) {
    return entry.published->described_by != &entry && description_differs(entry);
  }

  /// The entry of `relation`, brought up to date.  Good until the callback returns.
  RelationEntry& find(Relation relation) {
    if (last_ != nullptr && last_->oid == RelationGetRelid(relation) && last_->valid) return *last_;
    return find_slowly(relation);
  }

  /// Of the relations whose changes this transaction brought those that may look otherwise by now, as OIDs in the
  /// current context.
  [[nodiscard]] List* altered_in(XLogRecPtr final_lsn);

  // Called by the server's invalidation callbacks.
  void invalidate_relation(Oid relid);
  void invalidate_types(std::uint32_t hash);
  void invalidate_all();

 private:
  RelationEntry& find_slowly(Relation relation);
  void build(RelationEntry& entry, Relation relation);
  void build_columns(RelationEntry& entry, Relation relation, Relation published);
  void invalidate_published_as(const PublishedRelation& published);
  bool description_differs(RelationEntry& entry);

  MemoryContext context_;
  HTAB* entries_;    // of RelationEntry
  HTAB* published_;  // of PublishedRelation
  RelationEntry* last_;
  Publications publications_;
  RecordBuffer scratch_;
  std::uint32_t last_id_;
  bool invalidated_;  ///< an entry, since altered_in() was asked
  bool text_only_;
};

/// The name of the schema of `relation`, in the current context.
[[nodiscard]] const char* schema_of(Relation relation);

/// Writes what the relation record says behind id and version.
void append_description(RecordBuffer& out, const RelationEntry& entry);

}  // namespace walgate
