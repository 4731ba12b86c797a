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

bool is_in_own_schema(Oid relid) {
  const char* schema = get_namespace_name(get_rel_namespace(relid));
  return schema == nullptr || std::strcmp(schema, own_schema) == 0;
}

/// Where a publication has a relation: itself, or a partitioned table above it.
struct Place {
  bool published;
  Oid publish_as;
  int level;  ///< 0 is the relation, 1 its parent, and so on
};

Place place_of(const Publication& publication, Relation relation, List* direct, List* by_schema, List* ancestors) {
  Place place = {publication.alltables, RelationGetRelid(relation), 0};
  if (publication.alltables) {
    if (publication.pubviaroot && ancestors != NIL) {
      place.publish_as = llast_oid(ancestors);
      place.level = list_length(ancestors);
    }
    return place;
  }
  int level = 0;
  const Oid ancestor =
      ancestors == NIL ? InvalidOid : GetTopMostAncestorInPublication(publication.oid, ancestors, &level);
  if (OidIsValid(ancestor) && publication.pubviaroot) {
    place.publish_as = ancestor;
    place.level = level;
  }
  place.published =
      OidIsValid(ancestor) || list_member_oid(direct, publication.oid) || list_member_oid(by_schema, publication.oid);
  return place;
}

/// The published operation behind each index of a filter.
bool publishes(const PublicationActions& actions, std::size_t action) {
  switch (static_cast<RowAction>(action)) {
    case RowAction::insert:
      return actions.pubinsert;
    case RowAction::update:
      return actions.pubupdate;
    case RowAction::delete_:
      return actions.pubdelete;
  }
  return false;
}

/// Gathers the columns and conditions of a relation over several publications.
struct Gathered {
  Selection selection;
  bool unfiltered[row_action_count];  ///< a publication lets all rows of the operation through

  void add(const Publication& publication) {
    HeapTuple row = nullptr;
    // A publication of the whole schema has neither list nor filter, even where it names the table as well.
    if (!publication.alltables &&
        !SearchSysCacheExists2(PUBLICATIONNAMESPACEMAP, ObjectIdGetDatum(get_rel_namespace(selection.publish_as)),
                               ObjectIdGetDatum(publication.oid)))
      row =
          SearchSysCache2(PUBLICATIONRELMAP, ObjectIdGetDatum(selection.publish_as), ObjectIdGetDatum(publication.oid));
    add_columns(publication, row);
    add_filter(publication, row);
    if (HeapTupleIsValid(row)) ReleaseSysCache(row);
  }

 private:
  void add_columns(const Publication& publication, HeapTuple row) {
    bool all = true;
    Datum list = 0;
    if (HeapTupleIsValid(row)) list = SysCacheGetAttr(PUBLICATIONRELMAP, row, Anum_pg_publication_rel_prattrs, &all);
    if (all) {
      selection.all_columns = true;
      selection.generated_columns |= publishes_generated_columns(publication);
    } else {
      selection.columns = pub_collist_to_bitmapset(selection.columns, list, nullptr);
    }
  }

  void add_filter(const Publication& publication, HeapTuple row) {
    bool no_filter = true;
    Datum filter = 0;
    if (HeapTupleIsValid(row))
      filter = SysCacheGetAttr(PUBLICATIONRELMAP, row, Anum_pg_publication_rel_prqual, &no_filter);
    for (std::size_t action = 0; action < row_action_count; ++action) {
      if (!publishes(publication.pubactions, action)) continue;
      if (no_filter) {
        unfiltered[action] = true;
      } else {
        selection.filters[action] = lappend(selection.filters[action], stringToNode(TextDatumGetCString(filter)));
      }
    }
  }
};

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
    publications_ = lappend(publications_, publication);
  }
  MemoryContextSwitchTo(caller);
}

Selection Publications::selection_of(Relation relation) {
  Gathered gathered = {};
  Selection& selection = gathered.selection;
  const Oid relid = RelationGetRelid(relation);
  selection.publish_as = relid;
  // Materialised views are logged like tables; only tables are published.
  const char kind = relation->rd_rel->relkind;
  if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE) return selection;
  if (!is_publishable_relation(relation) || is_in_own_schema(relid)) return selection;

  if (!valid_) load();
  List* direct = GetRelationPublications(relid);
  List* by_schema = GetSchemaPublications(RelationGetNamespace(relation));
  List* ancestors = relation->rd_rel->relispartition ? get_partition_ancestors(relid) : NIL;
  List* publications = NIL;  // that have the relation at the highest place of all
  int level = 0;
  ListCell* cell = nullptr;
  foreach (cell, publications_) {
    auto* publication = static_cast<Publication*>(lfirst(cell));
    const Place place = place_of(*publication, relation, direct, by_schema, ancestors);
    if (!place.published) continue;
    // A partitioned table has no rows: without the option its partitions are what is published.
    if (kind == RELKIND_PARTITIONED_TABLE && !publication->pubviaroot) continue;
    if (is_in_own_schema(place.publish_as)) continue;
    selection.actions.pubinsert |= publication->pubactions.pubinsert;
    selection.actions.pubupdate |= publication->pubactions.pubupdate;
    selection.actions.pubdelete |= publication->pubactions.pubdelete;
    selection.actions.pubtruncate |= publication->pubactions.pubtruncate;
    if (place.level < level) continue;
    if (place.level > level) publications = NIL;
    level = place.level;
    selection.publish_as = place.publish_as;
    publications = lappend(publications, publication);
  }
  foreach (cell, publications) gathered.add(*static_cast<const Publication*>(lfirst(cell)));
  for (std::size_t action = 0; action < row_action_count; ++action)
    if (gathered.unfiltered[action]) selection.filters[action] = NIL;
  return selection;
}

}  // namespace walgate
