// row_filter.cpp - prepares and evaluates conditions, as the server's own pgoutput.c:pgoutput_row_filter does.
#include "row_filter.hpp"

extern "C" {
#include "executor/executor.h"
#include "nodes/makefuncs.h"
}

namespace walgate {

void RowFilter::prepare(const Selection& selection, Relation published, const int* index_of) {
  executor_ = CreateExecutorState();
  // A descriptor of our own: the relation's would be held by the transaction that is being decoded.
  slot_ = MakeSingleTupleTableSlot(CreateTupleDescCopyConstr(RelationGetDescr(published)), &TTSOpsVirtual);
  index_of_ = index_of;
  for (std::size_t action = 0; action < row_action_count; ++action) {
    conditions_[action] = nullptr;
    List* filters = NIL;
    ListCell* cell = nullptr;
    foreach (cell, selection.filters[action])
      filters = lappend(filters, expand_generated_columns(static_cast<Node*>(lfirst(cell)), published));
    if (filters != NIL) conditions_[action] = ExecPrepareExpr(make_orclause(filters), executor_);
  }
}

bool RowFilter::passes(RowAction action, const Row& row) {
  ExprState* condition = conditions_[static_cast<std::size_t>(action)];
  if (condition == nullptr) return true;
  ExecClearTuple(slot_);
  for (int i = 0; i < slot_->tts_tupleDescriptor->natts; ++i) {
    const bool absent = index_of_[i] < 0;
    slot_->tts_isnull[i] = absent || row.nulls[index_of_[i]];
    slot_->tts_values[i] = absent ? Datum{0} : row.values[index_of_[i]];
  }
  ExecStoreVirtualTuple(slot_);

  ExprContext* context = GetPerTupleExprContext(executor_);
  ResetExprContext(context);
  context->ecxt_scantuple = slot_;
  bool is_null = false;
  const Datum result = ExecEvalExprSwitchContext(condition, context, &is_null);
  return !is_null && DatumGetBool(result);
}

}  // namespace walgate
