// publication.cpp - reads publications and decides about relations.
#include "publication.hpp"

extern "C" {
#include "catalog/partition.h"
#include "catalog/pg_publication_rel.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace walgate {
namespace {

// The service's own tables on a target in the same database: publishing them would feed each commit to the next.
constexpr char own_schema[] = "walgate";

bool is_published(const Publication& publication, Relation relation, List* direct, List* by_schema, List* ancestors) {
  if (publication.alltables) return true;
  if (list_member_oid(direct, publication.oid) || list_member_oid(by_schema, publication.oid)) return true;
  return relation->rd_rel->relispartition &&
         OidIsValid(GetTopMostAncestorInPublication(publication.oid, ancestors, nullptr));
}

void add_columns(Selection& selection, const Publication& publication, Oid relid) {
  HeapTuple row = SearchSysCache2(PUBLICATIONRELMAP, ObjectIdGetDatum(relid), ObjectIdGetDatum(publication.oid));
  if (publication.alltables || !HeapTupleIsValid(row)) {
    selection.all_columns = true;
  } else {
    bool no_filter = true;
    (void)SysCacheGetAttr(PUBLICATIONRELMAP, row, Anum_pg_publication_rel_prqual, &no_filter);
    if (!no_filter)
      ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                      errmsg("publication \"%s\" has a row filter for table \"%s\", which walgate does not support",
                             publication.name, get_rel_name(relid)),
                      errhint("Publish the table without WHERE.")));
    bool no_list = true;
    const Datum list = SysCacheGetAttr(PUBLICATIONRELMAP, row, Anum_pg_publication_rel_prattrs, &no_list);
    if (no_list) {
      selection.all_columns = true;
    } else {
      selection.columns = pub_collist_to_bitmapset(selection.columns, list, nullptr);
    }
  }
  if (HeapTupleIsValid(row)) ReleaseSysCache(row);
}

}  // namespace

void Publications::open(MemoryContext parent, List* names) {
  context_ = AllocSetContextCreate(parent, "walgate publications", ALLOCSET_SMALL_SIZES);
  names_ = names;
  publications_ = NIL;
  valid_ = false;
}

void Publications::load() {
  MemoryContextReset(context_);
  publications_ = NIL;
  // Before reading: an invalidation that arrives meanwhile must not be lost.
  valid_ = true;
  const MemoryContext caller = MemoryContextSwitchTo(context_);
  ListCell* cell = nullptr;
  foreach (cell, names_) {
    const char* name = static_cast<const char*>(lfirst(cell));
    Publication* publication = GetPublicationByName(name, true);
    if (publication == nullptr)
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                      errmsg("publication \"%s\" does not exist at this position of the WAL", name),
                      errhint("Create the publication before the slot; if it is newer than the slot, drop the slot and "
                              "create it again.")));
    if (publication->pubviaroot)
      ereport(ERROR,
              (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
               errmsg("publication \"%s\" has publish_via_partition_root, which walgate does not support", name),
               errhint("Run ALTER PUBLICATION %s SET (publish_via_partition_root = false).", quote_identifier(name))));
    publications_ = lappend(publications_, publication);
  }
  MemoryContextSwitchTo(caller);
}

Selection Publications::selection_of(Relation relation) {
  Selection selection;
  // Materialised views are logged like tables; only tables are published.
  if (relation->rd_rel->relkind != RELKIND_RELATION || !is_publishable_relation(relation)) return selection;
  const char* schema = get_namespace_name(RelationGetNamespace(relation));
  if (schema == nullptr || std::strcmp(schema, own_schema) == 0) return selection;

  if (!valid_) load();
  const Oid relid = RelationGetRelid(relation);
  List* direct = GetRelationPublications(relid);
  List* by_schema = GetSchemaPublications(RelationGetNamespace(relation));
  List* ancestors = relation->rd_rel->relispartition ? get_partition_ancestors(relid) : NIL;
  ListCell* cell = nullptr;
  foreach (cell, publications_) {
    const auto& publication = *static_cast<const Publication*>(lfirst(cell));
    if (!is_published(publication, relation, direct, by_schema, ancestors)) continue;
    selection.actions.pubinsert |= publication.pubactions.pubinsert;
    selection.actions.pubupdate |= publication.pubactions.pubupdate;
    selection.actions.pubdelete |= publication.pubactions.pubdelete;
    selection.actions.pubtruncate |= publication.pubactions.pubtruncate;
    add_columns(selection, publication, relid);
  }
  return selection;
}

}  // namespace walgate
