// session.cpp - the callbacks: what of a transaction is sent, and in which order.
//
// A transaction begins in the stream with its first published change, so one without any sends nothing.  Each
// callback first cuts off what an error in the one before left half written, and works in a memory
// context that is reset after each change: the server's own lives as long as the transaction.
#include "session.hpp"

#include "frame_writer.hpp"
#include "json_writer.hpp"
#include "options.hpp"

extern "C" {
#include "catalog/partition.h"
#include "mb/pg_wchar.h"
#include "utils/guc.h"
#include "utils/inval.h"
}

namespace walgate {
namespace {

struct Session {
  Options options;
  RelationCache relations;
  FrameWriter frames;
  JsonWriter json;
  MemoryContext own_context;  ///< of all this
  MemoryContext change_context;
  Transaction transaction;
  bool begun;              ///< the transaction has been begun in the stream
  bool text_settings_set;  ///< for this transaction
  Oid last_rewrite;        ///< the table under construction whose rows came last in this transaction
  List* late_rewrites;     ///< OIDs of tables that are published only after their rewrite
  int changes_since_progress;
  Row old_row;  ///< room for the widest table
  Row new_row;
};

Session& session_of(LogicalDecodingContext* ctx) {
  return *static_cast<Session*>(ctx->output_plugin_private);
}

/// Calls `write` with the writer of the session's format.
template <typename Write>
void with_writer(Session& session, Write write) {
  if (session.options.format == Format::json) {
    write(session.json);
  } else {
    write(session.frames);
  }
}

/// Cuts off what an error left half written and enters the context of one change.
MemoryContext enter(Session& session) {
  with_writer(session, [](auto& writer) { writer.discard_partial(); });
  return MemoryContextSwitchTo(session.change_context);
}

void leave(Session& session, MemoryContext caller) {
  MemoryContextSwitchTo(caller);
  MemoryContextReset(session.change_context);
}

// Output functions follow settings that client, role and database may carry.  Ours hold until the decoding
// transaction ends, so they are set in each that needs them.
void use_own_text_settings(Session& session) {
  if (session.text_settings_set) return;
  session.text_settings_set = true;
  constexpr struct {
    const char* name;
    const char* value;
  } settings[] = {
      {"datestyle", "ISO, YMD"}, {"intervalstyle", "postgres"}, {"timezone", "UTC"},  {"extra_float_digits", "1"},
      {"bytea_output", "hex"},   {"search_path", "pg_catalog"}, {"lc_monetary", "C"},
  };
  for (const auto& setting : settings)
    (void)set_config_option(setting.name, setting.value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

void begin_if_needed(LogicalDecodingContext* ctx, Session& session) {
  if (session.begun) return;
  session.begun = true;
  if (session.options.format == Format::json) use_own_text_settings(session);
  with_writer(session, [&](auto& writer) { writer.begin(ctx, session.transaction); });
}

void describe_if_needed(LogicalDecodingContext* ctx, Session& session, RelationEntry& entry) {
  if (!session.relations.must_describe(entry)) return;
  with_writer(session, [&](auto& writer) { writer.relation(ctx, entry); });
}

/// Says in an error's context which table it was about; a condition, or a type's own function, may fail for a row.
void name_table(void* entry) {
  const auto& table = *static_cast<const RelationEntry*>(entry);
  errcontext("change of table \"%s.%s\"", table.schema, table.name);
}

// The stream holds the shape that the table has got, but not the values that the rewrite has put into rows that were
// there before.
void send_rewrite(LogicalDecodingContext* ctx, Session& session, RelationEntry& entry) {
  const MemoryContext caller = enter(session);
  begin_if_needed(ctx, session);
  describe_if_needed(ctx, session, entry);
  if (entry.published->rewritten_at != session.transaction.final_lsn) {
    entry.published->rewritten_at = session.transaction.final_lsn;
    with_writer(session, [&](auto& writer) { writer.rewrite(ctx, entry); });
  }
  leave(session, caller);
}

/// Tells of the rewrite of a table; `made` is the table under construction that is to take its place.
void note_rewrite(LogicalDecodingContext* ctx, Session& session, Relation made) {
  if (session.last_rewrite == RelationGetRelid(made)) return;
  session.last_rewrite = RelationGetRelid(made);
  const Oid relid = made->rd_rel->relrewrite;
  Relation rewritten = RelationIdGetRelation(relid);
  if (!RelationIsValid(rewritten)) return;
  // SET LOGGED: until it is done the table is not one that a publication could have.
  if (rewritten->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT) {
    const MemoryContext caller = MemoryContextSwitchTo(session.own_context);
    session.late_rewrites = list_append_unique_oid(session.late_rewrites, relid);
    MemoryContextSwitchTo(caller);
  } else if (RelationEntry& entry = session.relations.find(rewritten); entry.selection.any()) {
    send_rewrite(ctx, session, entry);
  }
  RelationClose(rewritten);
}

void send_late_rewrites(LogicalDecodingContext* ctx, Session& session) {
  ListCell* cell = nullptr;
  foreach (cell, session.late_rewrites) {
    Relation rewritten = RelationIdGetRelation(lfirst_oid(cell));
    if (!RelationIsValid(rewritten)) continue;  // dropped meanwhile
    if (RelationEntry& entry = session.relations.find(rewritten); entry.selection.any())
      send_rewrite(ctx, session, entry);
    RelationClose(rewritten);
  }
}

// Rows that came before a change of their table are read by what the table looks like at the end, also where no other
// row follows.
void describe_altered(LogicalDecodingContext* ctx, Session& session) {
  if (!session.begun) return;
  const MemoryContext caller = enter(session);
  ListCell* cell = nullptr;
  foreach (cell, session.relations.altered_in(session.transaction.final_lsn)) {
    Relation altered = RelationIdGetRelation(lfirst_oid(cell));
    if (!RelationIsValid(altered)) continue;  // dropped
    if (RelationEntry& entry = session.relations.find(altered); entry.selection.any())
      describe_if_needed(ctx, session, entry);
    RelationClose(altered);
  }
  leave(session, caller);
}

bool publishes(const RelationEntry& entry, ReorderBufferChangeType action) {
  switch (action) {
    case REORDER_BUFFER_CHANGE_INSERT:
      return entry.selection.actions.pubinsert;
    case REORDER_BUFFER_CHANGE_UPDATE:
      return entry.selection.actions.pubupdate;
    case REORDER_BUFFER_CHANGE_DELETE:
      return entry.selection.actions.pubdelete;
    default:
      return false;
  }
}

wire::RecordKind kind_of(ReorderBufferChangeType action) {
  if (action == REORDER_BUFFER_CHANGE_INSERT) return wire::RecordKind::insert;
  return action == REORDER_BUFFER_CHANGE_UPDATE ? wire::RecordKind::update : wire::RecordKind::delete_;
}

// The WAL leaves an unchanged TOASTed value out of the new row, but an old image that was logged holds it.
void fill_from_old(const RelationEntry& entry, RowChange& change) {
  for (int i = 0; i < entry.column_count; ++i) {
    const Column& column = entry.columns[i];
    const auto index = static_cast<std::size_t>(column.index);
    if (change.old_image == OldImage::key && !column.is_key) continue;
    if (change.new_row.nulls[index] || change.old_row.nulls[index]) continue;
    if (is_unchanged_toast(column.codec, change.new_row.values[index]))
      change.new_row.values[index] = change.old_row.values[index];
  }
}

RowChange read_change(Session& session, const RelationEntry& entry, Relation relation,
                      const ReorderBufferChange& change) {
  RowChange result = {kind_of(change.action), OldImage::none, false, false, session.old_row, session.new_row};
  const TupleDesc attributes = RelationGetDescr(relation);
  if (HeapTuple tuple = old_tuple_of(change); tuple != nullptr && result.kind != wire::RecordKind::insert) {
    heap_deform_tuple(tuple, attributes, result.old_row.values, result.old_row.nulls);
    result.old_image = entry.replica_identity == REPLICA_IDENTITY_FULL ? OldImage::full : OldImage::key;
  }
  if (HeapTuple tuple = new_tuple_of(change); tuple != nullptr && result.kind != wire::RecordKind::delete_) {
    heap_deform_tuple(tuple, attributes, result.new_row.values, result.new_row.nulls);
    result.has_new = true;
    if (result.old_image != OldImage::none) fill_from_old(entry, result);
  }
  if (result.kind == wire::RecordKind::insert && !result.has_new)
    elog(ERROR, "the WAL holds no row for an insert into \"%s.%s\"", entry.schema, entry.name);
  return result;
}

bool is_whole(const RelationEntry& entry, const Row& row) {
  for (int i = 0; i < entry.column_count; ++i) {
    const Column& column = entry.columns[i];
    const auto index = static_cast<std::size_t>(column.index);
    if (!row.nulls[index] && is_unchanged_toast(column.codec, row.values[index])) return false;
  }
  return true;
}

/// Whether the row filter lets the change through.  An update that leads a row into the filter becomes an insert,
/// one that leads it out a delete.  Where the WAL lacks a value for the insert, the reader is told and has to decide:
/// an error here would stop the stream for good, since nobody could get past it.
bool passes_filter(RelationEntry& entry, RowChange& change) {
  const bool has_old = change.old_image != OldImage::none;
  switch (change.kind) {
    case wire::RecordKind::insert:
      return entry.filter.passes(RowAction::insert, change.new_row);
    case wire::RecordKind::delete_:
      // Without an old row there is nothing to test, and nothing may be dropped.
      return !has_old || entry.filter.passes(RowAction::delete_, change.old_row);
    default:
      break;
  }
  // Without an old image no column of the condition has changed, and without a new one there is nothing to lead to.
  const bool new_passes = change.has_new && entry.filter.passes(RowAction::update, change.new_row);
  const bool old_passes = has_old ? entry.filter.passes(RowAction::update, change.old_row) : new_passes;
  if (!change.has_new) return !has_old || old_passes;
  if (new_passes && !old_passes) {
    change.old_image = OldImage::none;
    if (is_whole(entry, change.new_row)) {
      change.kind = wire::RecordKind::insert;
    } else {
      change.enters_row_filter = true;
    }
  } else if (old_passes && !new_passes) {
    change.kind = wire::RecordKind::delete_;
    change.has_new = false;
  }
  return new_passes || old_passes;
}

/// Whether a table above the partition is among `relations`: with it the partition is emptied as well.
bool has_ancestor_in(Oid partition, const Relation* relations, int count) {
  List* ancestors = get_partition_ancestors(partition);
  for (int i = 0; i < count; ++i)
    if (list_member_oid(ancestors, RelationGetRelid(relations[i]))) return true;
  return false;
}

void send_truncation(LogicalDecodingContext* ctx, Session& session, const Truncation& truncation) {
  if (truncation.count == 0) return;
  begin_if_needed(ctx, session);
  for (int i = 0; i < truncation.count; ++i) {
    describe_if_needed(ctx, session, *truncation.relations[i]);
    truncation.relations[i]->written_in = session.transaction.final_lsn;
  }
  with_writer(session, [&](auto& writer) { writer.truncate(ctx, truncation); });
  ++session.transaction.changes;
}

Row make_row() {
  return {make_array_in_context<Datum>(MaxTupleAttributeNumber), make_array_in_context<bool>(MaxTupleAttributeNumber)};
}

// The send functions of text convert to the client's encoding, and the frame says that nothing was converted.
void check_client_encoding() {
  if (pg_get_client_encoding() == GetDatabaseEncoding()) return;
  ereport(ERROR,
          (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
           errmsg("client encoding \"%s\" is not the encoding \"%s\" of the database", pg_get_client_encoding_name(),
                  GetDatabaseEncodingName()),
           errhint("Format binary sends text as it is stored: set client_encoding to %s.", GetDatabaseEncodingName())));
}

}  // namespace

extern "C" {

void on_startup(LogicalDecodingContext* ctx, OutputPluginOptions* output, bool is_init) {
  output->output_type = OUTPUT_PLUGIN_BINARY_OUTPUT;
  output->receive_rewrites = true;
  if (is_init) return;  // a slot is being created: there are no options, and nothing will be sent

  // What earlier commands of this connection have put into the caches is of now; what is decoded is of then.  The
  // server does this itself only for the functions of SQL (logicalfuncs.c).
  InvalidateSystemCaches();

  const MemoryContext own = AllocSetContextCreate(ctx->context, "walgate session", ALLOCSET_DEFAULT_SIZES);
  const MemoryContext caller = MemoryContextSwitchTo(own);
  auto* session = make_in_context<Session>();
  session->own_context = own;
  session->options = read_options(ctx->output_plugin_options);
  // Not in the table of callbacks: where there is one, the server asks it for each record.
  if (session->options.origin == Origin::none) ctx->callbacks.filter_by_origin_cb = is_filtered_by_origin;
  const bool json = session->options.format == Format::json;
  if (json) {
    output->output_type = OUTPUT_PLUGIN_TEXTUAL_OUTPUT;
    session->json.open(own, session->options.limit);
  } else {
    check_client_encoding();
    session->frames.open(own);
  }
  session->change_context = AllocSetContextCreate(own, "walgate change", ALLOCSET_DEFAULT_SIZES);
  session->old_row = make_row();
  session->new_row = make_row();
  session->relations.open(own, session->options.publications, json);
  ctx->output_plugin_private = session;
  MemoryContextSwitchTo(caller);
}

bool is_filtered_by_origin(LogicalDecodingContext*, RepOriginId origin) {
  return origin != InvalidRepOriginId;
}

void on_begin(LogicalDecodingContext* ctx, ReorderBufferTXN* txn) {
  Session& session = session_of(ctx);
  session.begun = false;
  session.text_settings_set = false;
  session.last_rewrite = InvalidOid;
  list_free(session.late_rewrites);
  session.late_rewrites = NIL;
  session.transaction = {txn->xid, txn->final_lsn, txn->end_lsn, txn->xact_time.commit_time, txn->origin_id, 0};
}

void on_change(LogicalDecodingContext* ctx, ReorderBufferTXN*, Relation relation, ReorderBufferChange* change) {
  Session& session = session_of(ctx);
  keep_alive(ctx, session.changes_since_progress);
  if (OidIsValid(relation->rd_rel->relrewrite)) return note_rewrite(ctx, session, relation);
  RelationEntry& entry = session.relations.find(relation);
  if (!publishes(entry, change->action)) return;

  const MemoryContext caller = enter(session);
  ErrorContextCallback error_context = {error_context_stack, name_table, &entry};
  error_context_stack = &error_context;
  RowChange row_change = read_change(session, entry, relation, *change);
  if (!entry.has_filter || passes_filter(entry, row_change)) {
    begin_if_needed(ctx, session);
    describe_if_needed(ctx, session, entry);
    if (entry.has_text) use_own_text_settings(session);
    with_writer(session, [&](auto& writer) { writer.change(ctx, entry, row_change); });
    ++session.transaction.changes;
    entry.written_in = session.transaction.final_lsn;
  }
  error_context_stack = error_context.previous;
  leave(session, caller);
}

void on_truncate(LogicalDecodingContext* ctx, ReorderBufferTXN*, int relation_count, Relation relations[],
                 ReorderBufferChange* change) {
  Session& session = session_of(ctx);
  keep_alive(ctx, session.changes_since_progress);
  const MemoryContext caller = enter(session);
  const auto room = static_cast<std::size_t>(relation_count);
  auto** whole = make_array_in_context<RelationEntry*>(room);
  auto** roots = make_array_in_context<RelationEntry*>(room);
  auto* partitions = make_array_in_context<Relation>(room);
  int whole_count = 0;
  int partition_count = 0;
  for (int i = 0; i < relation_count; ++i) {
    RelationEntry& entry = session.relations.find(relations[i]);
    if (!entry.selection.actions.pubtruncate) continue;
    if (entry.selection.publish_as == entry.oid) {
      whole[whole_count++] = &entry;
    } else if (!has_ancestor_in(entry.oid, relations, relation_count)) {
      roots[partition_count] = &entry;
      partitions[partition_count++] = relations[i];
    }
  }
  const auto& flags = change->data.truncate;
  send_truncation(ctx, session, {flags.cascade, flags.restart_seqs, whole, whole_count, nullptr});
  send_truncation(ctx, session, {flags.cascade, flags.restart_seqs, roots, partition_count, partitions});
  leave(session, caller);
}

void on_message(LogicalDecodingContext* ctx, ReorderBufferTXN*, XLogRecPtr lsn, bool transactional, const char* prefix,
                Size size, const char* content) {
  Session& session = session_of(ctx);
  keep_alive(ctx, session.changes_since_progress);
  const bool ours = std::string_view(prefix).starts_with("walgate");
  if (!ours && !session.options.messages) return;

  const MemoryContext caller = enter(session);
  if (transactional) begin_if_needed(ctx, session);
  // Any role may emit a message: one with an endless prefix must not stop the stream.
  const auto prefix_bytes = static_cast<int>(std::strlen(prefix));
  if (prefix_bytes > UINT16_MAX)
    prefix = pnstrdup(prefix, static_cast<Size>(pg_mbcliplen(prefix, prefix_bytes, UINT16_MAX)));
  const LogicalMessage message = {transactional, lsn, prefix, {content, size}};
  with_writer(session, [&](auto& writer) { writer.message(ctx, message); });
  leave(session, caller);
}

void on_commit(LogicalDecodingContext* ctx, ReorderBufferTXN*, XLogRecPtr) {
  Session& session = session_of(ctx);
  send_late_rewrites(ctx, session);
  describe_altered(ctx, session);
  // Before the write, which the server's measure of lag counts from here.
  OutputPluginUpdateProgress(ctx, !session.begun);
  if (!session.begun) return;
  const MemoryContext caller = enter(session);
  with_writer(session, [&](auto& writer) { writer.commit(ctx, session.transaction); });
  leave(session, caller);
  session.begun = false;
}

}  // extern "C"
}  // namespace walgate
