// frame_writer.cpp - the records of PROTOCOL.md, field by field.
//
//   record = kind:u8, length:u32, body ;    tuple = columns:i16, { length:i32, bytes } ;
#include "frame_writer.hpp"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace walgate {
namespace {

void append_column(RecordBuffer& out, Column& column, const Row& row) {
  const auto index = static_cast<std::size_t>(column.index);
  if (row.nulls[index]) {
    out.append_u32(static_cast<std::uint32_t>(wire::length_null));
  } else if (is_unchanged_toast(column.codec, row.values[index])) {
    out.append_u32(static_cast<std::uint32_t>(wire::length_unchanged_toast));
  } else {
    append_value(out, column.codec, row.values[index]);
  }
}

void append_tuple(RecordBuffer& out, const RelationEntry& entry, const Row& row) {
  out.append_u16(static_cast<std::uint16_t>(entry.column_count));
  for (int i = 0; i < entry.column_count; ++i) append_column(out, entry.columns[i], row);
}

void append_key(RecordBuffer& out, const RelationEntry& entry, const Row& row) {
  out.append_u16(static_cast<std::uint16_t>(entry.key_count));
  for (int i = 0; i < entry.column_count; ++i)
    if (entry.columns[i].is_key) append_column(out, entry.columns[i], row);
}

void append_old_image(RecordBuffer& out, const RelationEntry& entry, const RowChange& change) {
  if (change.old_image == OldImage::full) append_tuple(out, entry, change.old_row);
  if (change.old_image == OldImage::key) append_key(out, entry, change.old_row);
}

std::uint8_t flags_of(const RowChange& change) {
  std::uint8_t flags = 0;
  if (change.old_image == OldImage::key) flags = wire::old_key;
  if (change.old_image == OldImage::full) flags = wire::old_full;
  if (change.kind == wire::RecordKind::update && !change.has_new) flags |= wire::no_new_tuple;
  if (change.enters_row_filter) flags |= wire::enters_row_filter;
  return flags;
}

}  // namespace

void FrameWriter::greet() {
  if (greeted_) return;
  buffer_.begin_record(wire::RecordKind::hello);
  buffer_.append_bytes(wire::hello_magic, sizeof wire::hello_magic);
  buffer_.append_u16(wire::protocol_version);
  buffer_.append_u32(PG_VERSION_NUM);
  buffer_.append_string(WALGATE_EXTENSION_VERSION);
  buffer_.append_string(GetDatabaseEncodingName());
  buffer_.end_record();
  greeted_ = true;
}

void FrameWriter::begin(LogicalDecodingContext*, const Transaction& transaction) {
  greet();
  buffer_.begin_record(wire::RecordKind::begin);
  buffer_.append_u32(transaction.xid);
  buffer_.append_u64(transaction.final_lsn);
  buffer_.append_u64(transaction.end_lsn);
  buffer_.append_u64(static_cast<std::uint64_t>(transaction.commit_time));
  buffer_.end_record();
}

void FrameWriter::relation(LogicalDecodingContext*, const RelationEntry& entry) {
  buffer_.begin_record(wire::RecordKind::relation);
  buffer_.append_u32(entry.published->id);
  buffer_.append_u32(entry.published->version);
  buffer_.append_bytes(entry.published->description, entry.published->description_size);
  buffer_.end_record();
}

void FrameWriter::change(LogicalDecodingContext* ctx, RelationEntry& entry, const RowChange& change) {
  buffer_.begin_record(change.kind);
  buffer_.append_u32(entry.published->id);
  if (change.kind != wire::RecordKind::insert) {
    buffer_.append_u8(flags_of(change));
    append_old_image(buffer_, entry, change);
  }
  if (change.has_new) append_tuple(buffer_, entry, change.new_row);
  buffer_.end_record();
  write_if_full(ctx);
}

void FrameWriter::truncate(LogicalDecodingContext* ctx, const Truncation& truncation) {
  std::uint8_t flags = 0;
  if (truncation.cascade) flags |= wire::truncate_cascade;
  if (truncation.restart_identity) flags |= wire::truncate_restart_identity;
  if (truncation.partitions != nullptr) flags |= wire::truncate_of_partitions;
  buffer_.begin_record(wire::RecordKind::truncate);
  buffer_.append_u8(flags);
  buffer_.append_u16(static_cast<std::uint16_t>(truncation.count));
  for (int i = 0; i < truncation.count; ++i) buffer_.append_u32(truncation.relations[i]->published->id);
  for (int i = 0; truncation.partitions != nullptr && i < truncation.count; ++i) {
    buffer_.append_string(schema_of(truncation.partitions[i]));
    buffer_.append_string(RelationGetRelationName(truncation.partitions[i]));
  }
  buffer_.end_record();
  write_if_full(ctx);
}

void FrameWriter::rewrite(LogicalDecodingContext*, const RelationEntry& entry) {
  buffer_.begin_record(wire::RecordKind::rewrite);
  buffer_.append_u32(entry.published->id);
  buffer_.end_record();
}

void FrameWriter::message(LogicalDecodingContext* ctx, const LogicalMessage& message) {
  greet();
  buffer_.begin_record(wire::RecordKind::message);
  buffer_.append_u8(message.transactional ? wire::message_transactional : 0);
  buffer_.append_u64(message.lsn);
  buffer_.append_string(message.prefix);
  buffer_.append_u32(static_cast<std::uint32_t>(message.content.size()));
  buffer_.append_bytes(message.content.data(), message.content.size());
  buffer_.end_record();
  if (message.transactional) {
    write_if_full(ctx);
  } else {
    write(ctx);
  }
}

void FrameWriter::commit(LogicalDecodingContext* ctx, const Transaction& transaction) {
  buffer_.begin_record(wire::RecordKind::commit);
  buffer_.append_u64(transaction.final_lsn);
  buffer_.append_u64(transaction.end_lsn);
  buffer_.append_u64(transaction.changes);
  buffer_.end_record();
  write(ctx);
}

void FrameWriter::write(LogicalDecodingContext* ctx) {
  OutputPluginPrepareWrite(ctx, true);
  appendBinaryStringInfo(ctx->out, buffer_.data(), static_cast<int>(buffer_.size()));
  OutputPluginWrite(ctx, true);
  buffer_.clear();
}

}  // namespace walgate
