// json_writer.cpp - the objects of format `json`; extension/README.md lists their keys.
//
// Only begin, commit and message hold a position, an xid or a time.  A json value is text, so that the null of
// SQL and the null of JSON stay apart; a number that JSON cannot hold, or that a reader would round, is text too.
#include "json_writer.hpp"

#include "json_text.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

namespace walgate {
namespace {

void append_key(StringInfo out, const char* key) {
  appendStringInfo(out, ",\"%s\":", key);
}

void append_text(StringInfo out, const char* key, const char* text) {
  append_key(out, key);
  append_json_string(out, text);
}

void append_bool(StringInfo out, const char* key, bool value) {
  append_key(out, key);
  appendStringInfoString(out, value ? "true" : "false");
}

void append_lsn(StringInfo out, const char* key, XLogRecPtr lsn) {
  append_key(out, key);
  // LSN_FORMAT_ARGS holds a check that is C only on 15.
  appendStringInfo(out, "\"%X/%X\"", static_cast<std::uint32_t>(lsn >> 32), static_cast<std::uint32_t>(lsn));
}

// An origin that has been dropped has no name any more.
void append_origin(StringInfo out, RepOriginId origin) {
  char* name = nullptr;
  append_key(out, "origin");
  if (replorigin_by_oid(origin, true, &name)) {
    append_json_string(out, name);
  } else {
    appendStringInfoString(out, "null");
  }
}

void append_action(StringInfo out, const char* action) {
  appendStringInfo(out, "{\"action\":\"%s\"", action);
}

void append_name(StringInfo out, const RelationEntry& entry) {
  append_text(out, "schema", entry.schema);
  append_text(out, "table", entry.name);
}

void append_value(StringInfo out, Column& column, Datum value) {
  const char* text = text_of_value(column.codec, value);
  switch (column.type.base_oid) {
    case BOOLOID:
      appendStringInfoString(out, *text == 't' ? "true" : "false");
      return;
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case OIDOID:
      appendStringInfoString(out, text);
      return;
    case FLOAT4OID:
    case FLOAT8OID:
      // NaN, Infinity and -Infinity are no numbers to JSON.
      if (std::strpbrk(text, "NI") == nullptr) {
        appendStringInfoString(out, text);
        return;
      }
      break;
    default:
      break;
  }
  append_json_string(out, text);
}

bool is_unchanged(const Column& column, const Row& row) {
  const auto index = static_cast<std::size_t>(column.index);
  return !row.nulls[index] && is_unchanged_toast(column.codec, row.values[index]);
}

void append_row(StringInfo out, const char* key, const RelationEntry& entry, const Row& row, bool key_only) {
  append_key(out, key);
  const char* separator = "{";
  for (int i = 0; i < entry.column_count; ++i) {
    Column& column = entry.columns[i];
    if ((key_only && !column.is_key) || is_unchanged(column, row)) continue;
    appendStringInfoString(out, separator);
    separator = ",";
    append_json_string(out, column.name);
    appendStringInfoChar(out, ':');
    const auto index = static_cast<std::size_t>(column.index);
    if (row.nulls[index]) {
      appendStringInfoString(out, "null");
    } else {
      append_value(out, column, row.values[index]);
    }
  }
  appendStringInfoString(out, *separator == '{' ? "{}" : "}");
}

void append_unchanged(StringInfo out, const RelationEntry& entry, const Row& row) {
  bool first = true;
  for (int i = 0; i < entry.column_count; ++i) {
    if (!is_unchanged(entry.columns[i], row)) continue;
    if (first) append_key(out, "unchanged_toast");
    appendStringInfoChar(out, first ? '[' : ',');
    first = false;
    append_json_string(out, entry.columns[i].name);
  }
  if (!first) appendStringInfoChar(out, ']');
}

const char* action_of(wire::RecordKind kind) {
  if (kind == wire::RecordKind::insert) return "insert";
  return kind == wire::RecordKind::update ? "update" : "delete";
}

const char* identity_name(char identity) {
  switch (identity) {
    case REPLICA_IDENTITY_DEFAULT:
      return "default";
    case REPLICA_IDENTITY_INDEX:
      return "index";
    case REPLICA_IDENTITY_FULL:
      return "full";
    default:
      return "nothing";
  }
}

}  // namespace

void JsonWriter::open(MemoryContext context, std::int64_t limit) {
  const MemoryContext caller = MemoryContextSwitchTo(context);
  initStringInfo(&text_);
  MemoryContextSwitchTo(caller);
  limit_ = limit;
  written_ = 0;
}

void JsonWriter::begin(LogicalDecodingContext* ctx, const Transaction& transaction) {
  if (is_full()) return;
  append_action(&text_, "begin");
  appendStringInfo(&text_, ",\"xid\":%u", transaction.xid);
  append_lsn(&text_, "final_lsn", transaction.final_lsn);
  append_lsn(&text_, "end_lsn", transaction.end_lsn);
  append_text(&text_, "commit_time", timestamptz_to_str(transaction.commit_time));
  if (transaction.origin != InvalidRepOriginId) append_origin(&text_, transaction.origin);
  write(ctx, false);
}

void JsonWriter::relation(LogicalDecodingContext* ctx, const RelationEntry& entry) {
  if (is_full()) return;
  append_action(&text_, "relation");
  append_name(&text_, entry);
  appendStringInfo(&text_, ",\"version\":%u", entry.published->version);
  append_text(&text_, "replica_identity", identity_name(entry.replica_identity));
  append_key(&text_, "columns");
  appendStringInfoChar(&text_, '[');
  for (int i = 0; i < entry.column_count; ++i) {
    const Column& column = entry.columns[i];
    appendStringInfoString(&text_, i == 0 ? "{\"name\":" : ",{\"name\":");
    append_json_string(&text_, column.name);
    append_text(&text_, "type", format_type_with_typemod(column.type.oid, column.typmod));
    if (column.is_key) append_bool(&text_, "key", true);
    if (column.is_generated) append_bool(&text_, "generated", true);
    appendStringInfoChar(&text_, '}');
  }
  appendStringInfoChar(&text_, ']');
  write(ctx, false);
}

void JsonWriter::change(LogicalDecodingContext* ctx, RelationEntry& entry, const RowChange& change) {
  if (is_full()) return;
  append_action(&text_, action_of(change.kind));
  append_name(&text_, entry);
  if (change.enters_row_filter) append_bool(&text_, "enters_row_filter", true);
  if (change.old_image == OldImage::key) append_row(&text_, "key", entry, change.old_row, true);
  if (change.old_image == OldImage::full) append_row(&text_, "old", entry, change.old_row, false);
  if (change.has_new) {
    append_row(&text_, "new", entry, change.new_row, false);
    append_unchanged(&text_, entry, change.new_row);
  }
  write(ctx, true);
}

void JsonWriter::truncate(LogicalDecodingContext* ctx, const Truncation& truncation) {
  if (is_full()) return;
  append_action(&text_, "truncate");
  append_bool(&text_, "cascade", truncation.cascade);
  append_bool(&text_, "restart_identity", truncation.restart_identity);
  append_key(&text_, "tables");
  for (int i = 0; i < truncation.count; ++i) {
    appendStringInfoString(&text_, i == 0 ? "[{\"schema\":" : ",{\"schema\":");
    append_json_string(&text_, truncation.relations[i]->schema);
    append_text(&text_, "table", truncation.relations[i]->name);
    if (truncation.partitions != nullptr) {
      append_text(&text_, "partition_schema", schema_of(truncation.partitions[i]));
      append_text(&text_, "partition", RelationGetRelationName(truncation.partitions[i]));
    }
    appendStringInfoChar(&text_, '}');
  }
  appendStringInfoChar(&text_, ']');
  write(ctx, true);
}

void JsonWriter::rewrite(LogicalDecodingContext* ctx, const RelationEntry& entry) {
  if (is_full()) return;
  append_action(&text_, "rewrite");
  append_name(&text_, entry);
  write(ctx, true);
}

void JsonWriter::message(LogicalDecodingContext* ctx, const LogicalMessage& message) {
  if (is_full()) return;
  append_action(&text_, "message");
  append_bool(&text_, "transactional", message.transactional);
  append_lsn(&text_, "lsn", message.lsn);
  append_text(&text_, "prefix", message.prefix);
  // The content may be any bytes.
  if (pg_verifymbstr(message.content.data(), static_cast<int>(message.content.size()), true)) {
    append_text(&text_, "content", pnstrdup(message.content.data(), message.content.size()));
  } else {
    append_key(&text_, "content_hex");
    append_json_hex(&text_, message.content);
  }
  write(ctx, true);
}

void JsonWriter::commit(LogicalDecodingContext* ctx, const Transaction& transaction) {
  if (is_full()) return;
  append_action(&text_, "commit");
  append_lsn(&text_, "final_lsn", transaction.final_lsn);
  append_lsn(&text_, "end_lsn", transaction.end_lsn);
  appendStringInfo(&text_, ",\"changes\":" UINT64_FORMAT, transaction.changes);
  write(ctx, true);
}

// Several writes of one callback share a position: the server wants to know which is the last.
void JsonWriter::write(LogicalDecodingContext* ctx, bool last_write) {
  appendStringInfoChar(&text_, '}');
  OutputPluginPrepareWrite(ctx, last_write);
  appendBinaryStringInfo(ctx->out, text_.data, text_.len);
  OutputPluginWrite(ctx, last_write);
  resetStringInfo(&text_);
  ++written_;
}

}  // namespace walgate
