// row_filter.hpp - the WHERE conditions of publications, applied to the rows of one relation.
//
// An update may lead a row into what is published, or out of it: then it is an insert, or a delete, to the reader.  The
// conditions on updates and deletes hold columns of the replica identity only (the server sees to that), so that an
// old image of the key suffices.
#pragma once

#include "publication.hpp"

extern "C" {
#include "nodes/execnodes.h"
}

namespace walgate {

/// A deformed tuple: one value and one null flag for each attribute of the table.
struct Row {
  Datum* values;
  bool* nulls;
};

/// Prepared conditions.  Lives in the memory context of its relation.
class RowFilter {
 public:
  /// Prepares the conditions of `selection` on rows of `published`.  `index_of[i]` says where attribute i of
  /// `published` stands in the rows that are tested, -1 for nowhere.  Memory is of the current context.
  void prepare(const Selection& selection, Relation published, const int* index_of);

  /// Whether the row passes.
  [[nodiscard]] bool passes(RowAction action, const Row& row);

 private:
  EState* executor_;
  TupleTableSlot* slot_;
  const int* index_of_;
  ExprState* conditions_[row_action_count];
};

}  // namespace walgate
