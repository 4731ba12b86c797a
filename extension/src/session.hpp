// session.hpp - the callbacks of one decoding session, from START_REPLICATION (or a call of
// pg_logical_slot_*_changes) to its end.
#pragma once

#include "pg_compat.hpp"

namespace walgate {
extern "C" {

void on_startup(LogicalDecodingContext* ctx, OutputPluginOptions* output, bool is_init);
/// Whether option `origin` = none leaves out what `origin` brought.
bool is_filtered_by_origin(LogicalDecodingContext* ctx, RepOriginId origin);
void on_begin(LogicalDecodingContext* ctx, ReorderBufferTXN* txn);
void on_change(LogicalDecodingContext* ctx, ReorderBufferTXN* txn, Relation relation, ReorderBufferChange* change);
void on_truncate(LogicalDecodingContext* ctx, ReorderBufferTXN* txn, int relation_count, Relation relations[],
                 ReorderBufferChange* change);
void on_message(LogicalDecodingContext* ctx, ReorderBufferTXN* txn, XLogRecPtr lsn, bool transactional,
                const char* prefix, Size size, const char* content);
void on_commit(LogicalDecodingContext* ctx, ReorderBufferTXN* txn, XLogRecPtr commit_lsn);

}  // extern "C"
}  // namespace walgate
