// publication.hpp - which tables, columns, rows and operations the publications of a session let through.
//
// Publications are read with the historic catalog, so that CREATE, ALTER and DROP PUBLICATION take effect
// exactly at their place in the WAL.  The rules are those of the server's own pgoutput.c:get_rel_sync_entry.
#pragma once

#include "pg_compat.hpp"

extern "C" {
#include "catalog/pg_publication.h"
#include "nodes/bitmapset.h"
}

namespace walgate {

/// The operations that a row filter may stand before, as indexes.
enum class RowAction : std::uint8_t { insert, update, delete_ };
inline constexpr std::size_t row_action_count = 3;

/// What is published of one relation by all publications of the session together.
struct Selection {
  PublicationActions actions;  ///< of any publication that has the relation
  /// Under whose name: the relation itself, or the partitioned table above it that is published as a whole.
  Oid publish_as;
  bool all_columns;        ///< at least one of them has no column list
  bool generated_columns;  ///< and one of these has stored generated columns published
  Bitmapset* columns;      ///< the attribute numbers of `publish_as` in any of the lists
  /// The WHERE conditions on rows of `publish_as` (Node*), of which one must be true; NIL lets all rows through.
  List* filters[row_action_count];

  [[nodiscard]] bool any() const {
    return actions.pubinsert || actions.pubupdate || actions.pubdelete || actions.pubtruncate;
  }
  /// `generated`: the column is a stored generated one.
  [[nodiscard]] bool has_column(AttrNumber attnum, bool generated) const {
    return (all_columns && (!generated || generated_columns)) || bms_is_member(attnum, columns);
  }
  [[nodiscard]] bool has_filter() const {
    for (const List* filter : filters)
      if (filter != NIL) return true;
    return false;
  }
};

/// The publications of a session.
class Publications {
 public:
  /// `names` holds char* and lives as long as `parent`.
  void open(MemoryContext parent, List* names);
  /// The catalog has changed: read the publications again before the next use.
  void invalidate() { valid_ = false; }
  /// What is published of `relation`.  ERROR when a publication does not exist.  Needs a decoding transaction; memory
  /// is of the current context.
  [[nodiscard]] Selection selection_of(Relation relation);

 private:
  void load();

  MemoryContext context_;
  List* names_;
  List* publications_;  // of Publication*
  bool valid_;
};

}  // namespace walgate
