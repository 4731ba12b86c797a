// pg_compat.hpp - the server's headers that everything needs, and what differs between its versions.
//
// Every test of PG_VERSION_NUM stands here.  The C++ headers come first: server headers reach for
// <math.h> and <stdlib.h>, whose C++ forms must not be read inside extern "C".
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>

extern "C" {
#include "postgres.h"
// After postgres.h, which they need.
#include "access/htup_details.h"
#include "catalog/pg_publication.h"
#include "fmgr.h"
#include "replication/logical.h"
#include "replication/origin.h"
#include "replication/output_plugin.h"
#include "replication/reorderbuffer.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#if PG_VERSION_NUM >= 180000
#include "rewrite/rewriteHandler.h"
#endif
}

#if PG_VERSION_NUM < 150000
#error "walgate needs PostgreSQL 15 or later"
#endif

#if PG_VERSION_NUM < 160000
// Declared by the server's own header since 16.
extern "C" PGDLLEXPORT void _PG_output_plugin_init(OutputPluginCallbacks* callbacks);
#endif

#if PG_VERSION_NUM >= 180000
#define WALGATE_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "walgate", .version = WALGATE_EXTENSION_VERSION)
#else
#define WALGATE_MODULE_MAGIC PG_MODULE_MAGIC
#endif

namespace walgate {

/// The rows of an insert, update or delete; null where the WAL holds none.
inline HeapTuple old_tuple_of(const ReorderBufferChange& change) {
#if PG_VERSION_NUM >= 170000
  return change.data.tp.oldtuple;
#else
  return change.data.tp.oldtuple != nullptr ? &change.data.tp.oldtuple->tuple : nullptr;
#endif
}
inline HeapTuple new_tuple_of(const ReorderBufferChange& change) {
#if PG_VERSION_NUM >= 170000
  return change.data.tp.newtuple;
#else
  return change.data.tp.newtuple != nullptr ? &change.data.tp.newtuple->tuple : nullptr;
#endif
}

/// Keeps the connection alive while a long transaction is decoded and nothing is written.  Since 16 the
/// server does it itself.  `changes` counts the changes since the last time.
inline void keep_alive([[maybe_unused]] LogicalDecodingContext* ctx, [[maybe_unused]] int& changes) {
#if PG_VERSION_NUM < 160000
  constexpr int changes_between = 100;
  if (++changes < changes_between) return;
  changes = 0;
  OutputPluginUpdateProgress(ctx, false);
#endif
}

/// Whether a publication without a column list has the stored generated columns of its tables, which 18 brought.
inline bool publishes_generated_columns([[maybe_unused]] const Publication& publication) {
#if PG_VERSION_NUM >= 180000
  return publication.pubgencols_type == PUBLISH_GENCOLS_STORED;
#else
  return false;
#endif
}

/// A condition on a row of `relation` without virtual generated columns, which 18 brought.
inline Node* expand_generated_columns(Node* condition, [[maybe_unused]] Relation relation) {
#if PG_VERSION_NUM >= 180000
  return expand_generated_columns_in_expr(condition, relation, 1);
#else
  return condition;
#endif
}

/// Makes a T in the current memory context, which also ends its life: no destructor ever runs.
template <typename T>
T* make_in_context() {
  static_assert(std::is_trivially_destructible_v<T>);
  return new (palloc(sizeof(T))) T{};
}

/// An array of `count` value-initialised elements in the current memory context.
template <typename T>
T* make_array_in_context(std::size_t count) {
  static_assert(std::is_trivially_destructible_v<T> && std::is_trivially_copyable_v<T>);
  return static_cast<T*>(palloc0(sizeof(T) * (count == 0 ? 1 : count)));
}

}  // namespace walgate
