// relation_cache.cpp - builds the entries and marks those that the catalog has outrun.
#include "relation_cache.hpp"

extern "C" {
#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace walgate {
namespace {

// The server keeps a registered callback for the life of the process, while sessions come and go in it: the
// callbacks look here, and find nothing between two sessions.
RelationCache* open_cache = nullptr;
bool callbacks_registered = false;

extern "C" {
static void on_relation_changed(Datum, Oid relid) {
  if (open_cache != nullptr) open_cache->invalidate_relation(relid);
}

static void on_type_changed(Datum, int, uint32 hash) {
  if (open_cache != nullptr) open_cache->invalidate_types(hash);
}

static void on_catalog_changed(Datum, int, uint32) {
  if (open_cache != nullptr) open_cache->invalidate_all();
}

static void on_context_gone(void* cache) {
  if (open_cache == cache) open_cache = nullptr;
}
}

// There are few places for callbacks in a process, and they are never given back: once is enough.
void register_callbacks() {
  if (callbacks_registered) return;
  callbacks_registered = true;
  CacheRegisterRelcacheCallback(on_relation_changed, 0);
  CacheRegisterSyscacheCallback(TYPEOID, on_type_changed, 0);
  for (const auto cache : {NAMESPACEOID, ENUMOID, PUBLICATIONOID, PUBLICATIONRELMAP, PUBLICATIONNAMESPACEMAP})
    CacheRegisterSyscacheCallback(cache, on_catalog_changed, 0);
}

}  // namespace

void RelationCache::open(MemoryContext parent, List* publications, bool text_only) {
  context_ = parent;
  HASHCTL control = {};
  control.keysize = sizeof(Oid);
  control.hcxt = parent;
  control.entrysize = sizeof(RelationEntry);
  entries_ = hash_create("walgate relations", 128, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
  control.entrysize = sizeof(PublishedRelation);
  published_ = hash_create("walgate published relations", 128, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
  last_ = nullptr;
  publications_.open(parent, publications);
  scratch_.open(parent);
  last_id_ = 0;
  invalidated_ = false;
  text_only_ = text_only;

  open_cache = this;
  auto* at_end = static_cast<MemoryContextCallback*>(MemoryContextAllocZero(parent, sizeof(MemoryContextCallback)));
  at_end->func = on_context_gone;
  at_end->arg = this;
  MemoryContextRegisterResetCallback(parent, at_end);
  register_callbacks();
}

void RelationCache::invalidate_relation(Oid relid) {
  invalidated_ = true;
  if (!OidIsValid(relid)) {
    invalidate_all();
    return;
  }
  if (auto* entry = static_cast<RelationEntry*>(hash_search(entries_, &relid, HASH_FIND, nullptr)))
    entry->valid = false;
  if (const auto* published = static_cast<PublishedRelation*>(hash_search(published_, &relid, HASH_FIND, nullptr)))
    invalidate_published_as(*published);
}

// Its partitions carry its name, columns and conditions.
void RelationCache::invalidate_published_as(const PublishedRelation& published) {
  HASH_SEQ_STATUS scan;
  hash_seq_init(&scan, entries_);
  while (auto* entry = static_cast<RelationEntry*>(hash_seq_search(&scan)))
    if (entry->published == &published) entry->valid = false;
}

void RelationCache::invalidate_types(std::uint32_t hash) {
  invalidated_ = true;
  HASH_SEQ_STATUS scan;
  hash_seq_init(&scan, entries_);
  while (auto* entry = static_cast<RelationEntry*>(hash_seq_search(&scan)))
    if (hash == 0 || entry->types.contains(hash)) entry->valid = false;
}

void RelationCache::invalidate_all() {
  invalidated_ = true;
  publications_.invalidate();
  HASH_SEQ_STATUS scan;
  hash_seq_init(&scan, entries_);
  while (auto* entry = static_cast<RelationEntry*>(hash_seq_search(&scan))) entry->valid = false;
}

List* RelationCache::altered_in(XLogRecPtr final_lsn) {
  if (!invalidated_) return NIL;
  invalidated_ = false;
  List* altered = NIL;
  HASH_SEQ_STATUS scan;
  hash_seq_init(&scan, entries_);
  while (auto* entry = static_cast<RelationEntry*>(hash_seq_search(&scan)))
    if (!entry->valid && entry->written_in == final_lsn) altered = lappend_oid(altered, entry->oid);
  return altered;
}

RelationEntry& RelationCache::find_slowly(Relation relation) {
  const Oid relid = RelationGetRelid(relation);
  bool found = false;
  auto* entry = static_cast<RelationEntry*>(hash_search(entries_, &relid, HASH_ENTER, &found));
  if (!found) {
    *entry = RelationEntry{};
    entry->oid = relid;
  }
  if (!entry->valid) build(*entry, relation);
  last_ = entry;
  return *entry;
}

void RelationCache::build(RelationEntry& entry, Relation relation) {
  if (entry.context == nullptr)
    entry.context = AllocSetContextCreate(context_, "walgate relation", ALLOCSET_SMALL_SIZES);
  // Before anything is read: an invalidation that arrives meanwhile must win.
  entry.valid = true;
  entry.types = {};
  if (entry.published != nullptr && entry.published->described_by == &entry) entry.published->described_by = nullptr;
  entry.published = nullptr;
  MemoryContextReset(entry.context);
  const MemoryContext caller = MemoryContextSwitchTo(entry.context);

  entry.selection = publications_.selection_of(relation);
  if (entry.selection.any()) {
    const Oid publish_as = entry.selection.publish_as;
    bool found = false;
    auto* published = static_cast<PublishedRelation*>(hash_search(published_, &publish_as, HASH_ENTER, &found));
    if (!found) {
      *published = PublishedRelation{};
      published->oid = publish_as;
      published->id = ++last_id_;
    }
    entry.published = published;
    if (publish_as == RelationGetRelid(relation)) {
      build_columns(entry, relation, relation);
    } else {
      Relation root = RelationIdGetRelation(publish_as);
      if (!RelationIsValid(root)) elog(ERROR, "could not open relation %u", publish_as);
      build_columns(entry, relation, root);
      RelationClose(root);
    }
  }
  MemoryContextSwitchTo(caller);
}

namespace {

/// Where the attribute stands in a deformed tuple of `relation`; -1 for nowhere.
int index_in(Relation relation, Relation published, int attribute_index) {
  if (relation == published) return attribute_index;
  const char* name = NameStr(TupleDescAttr(RelationGetDescr(published), attribute_index)->attname);
  const TupleDesc attributes = RelationGetDescr(relation);
  for (int i = 0; i < attributes->natts; ++i) {
    const Form_pg_attribute attribute = TupleDescAttr(attributes, i);
    if (!attribute->attisdropped && std::strcmp(NameStr(attribute->attname), name) == 0) return i;
  }
  return -1;
}

}  // namespace

void RelationCache::build_columns(RelationEntry& entry, Relation relation, Relation published) {
  entry.schema = schema_of(published);
  entry.name = pstrdup(RelationGetRelationName(published));
  entry.kind = published->rd_rel->relkind;
  entry.replica_identity = relation->rd_rel->relreplident;
  entry.column_count = entry.key_count = 0;
  entry.has_text = false;
  const TupleDesc attributes = RelationGetDescr(published);
  entry.columns = make_array_in_context<Column>(static_cast<std::size_t>(attributes->natts));
  int* index_of = make_array_in_context<int>(static_cast<std::size_t>(attributes->natts));
  const Bitmapset* key = RelationGetIdentityKeyBitmap(relation);
  for (int i = 0; i < attributes->natts; ++i) {
    const Form_pg_attribute attribute = TupleDescAttr(attributes, i);
    index_of[i] = attribute->attisdropped ? -1 : index_in(relation, published, i);
    if (index_of[i] < 0) continue;
    const bool is_generated = attribute->attgenerated != '\0';
    if (is_generated && attribute->attgenerated != ATTRIBUTE_GENERATED_STORED) continue;  // the WAL holds no value
    const bool is_key = bms_is_member(index_of[i] + 1 - FirstLowInvalidHeapAttributeNumber, key);
    // A generated column of the identity travels whatever is published: without it the row could not be found.
    if (!(is_generated && is_key) && !entry.selection.has_column(attribute->attnum, is_generated)) continue;
    Column& column = entry.columns[entry.column_count++];
    column.index = index_of[i];
    column.number = static_cast<std::uint16_t>(attribute->attnum);
    column.is_key = is_key;
    column.is_generated = is_generated;
    column.type = read_column_type(attribute->atttypid, entry.types);
    column.codec = text_only_ ? text_codec(attribute->atttypid, attribute->attlen)
                              : choose_codec(attribute->atttypid, attribute->attlen, entry.types);
    column.typmod = attribute->atttypmod;
    column.name = pstrdup(NameStr(attribute->attname));
    if (column.is_key) ++entry.key_count;
    if (column.codec.format == wire::ValueFormat::text) entry.has_text = true;
  }
  entry.has_filter = entry.selection.has_filter();
  if (entry.has_filter) entry.filter.prepare(entry.selection, published, index_of);
}

// The same words as before need not be sent again, whatever made us look.  Partitions under one name may differ in
// their replica identity; then the description changes from one to the other.
bool RelationCache::description_differs(RelationEntry& entry) {
  PublishedRelation& published = *entry.published;
  published.described_by = &entry;
  scratch_.clear();
  append_description(scratch_, entry);
  if (published.description != nullptr && published.description_size == scratch_.size() &&
      std::memcmp(published.description, scratch_.data(), scratch_.size()) == 0)
    return false;
  if (published.description != nullptr) pfree(published.description);
  published.description = static_cast<char*>(MemoryContextAlloc(context_, scratch_.size()));
  published.description_size = scratch_.size();
  std::memcpy(published.description, scratch_.data(), scratch_.size());
  ++published.version;
  return true;
}

namespace {

std::uint8_t flags_of(const Column& column) {
  std::uint8_t flags = 0;
  if (column.is_key) flags |= wire::column_is_key;
  if (column.is_generated) flags |= wire::column_is_generated;
  return flags;
}

}  // namespace

const char* schema_of(Relation relation) {
  const char* name = get_namespace_name(RelationGetNamespace(relation));
  if (name == nullptr) elog(ERROR, "cache lookup failed for schema %u", RelationGetNamespace(relation));
  return name;
}

void append_description(RecordBuffer& out, const RelationEntry& entry) {
  out.append_u32(entry.published->oid);
  out.append_u8(static_cast<std::uint8_t>(entry.kind));
  out.append_u8(static_cast<std::uint8_t>(entry.replica_identity));
  out.append_string(entry.schema);
  out.append_string(entry.name);
  out.append_u16(static_cast<std::uint16_t>(entry.column_count));
  for (int i = 0; i < entry.column_count; ++i) {
    const Column& column = entry.columns[i];
    out.append_u8(flags_of(column));
    out.append_u8(static_cast<std::uint8_t>(column.codec.format));
    out.append_u8(static_cast<std::uint8_t>(column.type.kind));
    out.append_u16(column.number);
    out.append_u32(column.type.oid);
    out.append_u32(column.type.base_oid);
    out.append_u32(static_cast<std::uint32_t>(column.typmod));
    out.append_string(column.name);
    out.append_string(column.type.schema);
    out.append_string(column.type.name);
  }
}

}  // namespace walgate
