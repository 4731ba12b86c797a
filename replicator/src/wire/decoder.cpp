#include "wire/decoder.hpp"

#include <fmt/format.h>

#include <utility>

namespace walgate::wire {

namespace {

/// Takes one tuple off the reader and checks that it is whole, has `columns` columns, and has unchanged values only
/// where they are allowed.
std::string_view take_tuple(Reader& reader, std::size_t columns, bool may_be_unchanged) {
  const auto start = reader.rest();
  const auto count = reader.i16();
  if (count < 0 || static_cast<std::size_t>(count) != columns) {
    throw ProtocolError{fmt::format("tuple has {} columns where its relation has {}", count, columns)};
  }
  for (std::int16_t i = 0; i < count; ++i) {
    const auto length = reader.i32();
    if (length >= 0) {
      reader.bytes(static_cast<std::size_t>(length));
    } else if (length != length_null && !(length == length_unchanged_toast && may_be_unchanged)) {
      throw ProtocolError{fmt::format("tuple has a value of length {}", length)};
    }
  }
  return start.substr(0, start.size() - reader.rest().size());
}

}  // namespace

void split_tuple(std::string_view tuple, std::vector<Value>& values) {
  Reader reader{tuple};
  values.resize(static_cast<std::size_t>(reader.i16()));
  for (auto& value : values) {
    value.length = reader.i32();
    value.data = value.length >= 0 ? reader.bytes(static_cast<std::size_t>(value.length)).data() : nullptr;
  }
}

Frame Decoder::decode(std::string_view bytes) {
  Frame frame;
  frame.changes.reserve(expected_changes_);
  for (Reader reader{bytes}; !reader.at_end();) {
    const auto kind = static_cast<RecordKind>(reader.u8());
    const auto length = reader.u32();
    if (frame.commit) throw ProtocolError{"frame goes on after a commit"};
    read_record(kind, reader.bytes(length), frame);
  }
  expected_changes_ = frame.changes.size();
  return frame;
}

void Decoder::read_record(RecordKind kind, std::string_view body, Frame& frame) {
  if (!hello_ && kind != RecordKind::hello) throw ProtocolError{"session does not start with a hello record"};
  switch (kind) {
    case RecordKind::hello:
      return read_hello(Reader{body});
    case RecordKind::begin:
      return read_begin(Reader{body}, frame);
    case RecordKind::relation:
      return read_relation(Reader{body}, frame);
    case RecordKind::insert:
    case RecordKind::update:
    case RecordKind::delete_:
      return read_row_change(kind, Reader{body}, frame);
    case RecordKind::truncate:
      return read_truncate(Reader{body}, frame);
    case RecordKind::rewrite:
      return read_rewrite(Reader{body}, frame);
    case RecordKind::message:
      return read_message(Reader{body}, frame);
    case RecordKind::commit:
      return read_commit(Reader{body}, frame);
  }
  throw ProtocolError{fmt::format("unknown record kind 0x{:02x}", static_cast<unsigned>(kind))};
}

void Decoder::read_hello(Reader reader) {
  if (hello_) throw ProtocolError{"second hello record in one session"};
  if (reader.bytes(sizeof hello_magic) != std::string_view{hello_magic, sizeof hello_magic}) {
    throw ProtocolError{"hello record does not carry walgate's mark"};
  }
  Hello hello;
  hello.version = reader.u16();
  if (hello.version != protocol_version) {
    throw VersionError{
        fmt::format("source speaks protocol version {}, this service speaks {}", hello.version, protocol_version)};
  }
  hello.server_version_num = reader.u32();
  hello.extension_version = reader.string();
  hello.encoding = reader.string();
  reader.expect_end();
  encoding_ = Encoding{hello.encoding};
  hello_ = std::move(hello);
}

void Decoder::read_begin(Reader reader, Frame& frame) {
  if (open_) throw ProtocolError{"transaction begins inside another one"};
  Begin begin;
  begin.xid = reader.u32();
  begin.final_lsn = Lsn{reader.u64()};
  begin.end_lsn = Lsn{reader.u64()};
  begin.commit_time = reader.i64();
  reader.expect_end();
  if (begin.final_lsn >= begin.end_lsn) throw ProtocolError{"transaction ends before its commit record"};
  if (begin.final_lsn < last_end_) {
    throw ProtocolError{
        fmt::format("transaction at {} comes after one that ended at {}", begin.final_lsn.text(), last_end_.text())};
  }
  open_ = begin;
  changes_in_transaction_ = 0;
  frame.begin = begin;
}

void Decoder::read_relation(Reader reader, Frame& frame) {
  if (!open_) throw ProtocolError{"relation record outside of a transaction"};
  Relation relation;
  relation.id = reader.u32();
  relation.version = reader.u32();
  relation.oid = reader.u32();
  relation.relkind = static_cast<char>(reader.u8());
  relation.replica_identity = static_cast<char>(reader.u8());
  relation.schema = encoding_.to_utf8(reader.string());
  relation.name = encoding_.to_utf8(reader.string());
  const auto count = reader.u16();
  relation.columns.reserve(count);
  for (std::uint16_t i = 0; i < count; ++i) {
    Column column;
    const auto flags = reader.u8();
    if ((flags & ~(column_is_key | column_is_generated)) != 0)
      throw ProtocolError{"relation record has an unknown column flag"};
    column.is_key = (flags & column_is_key) != 0;
    column.is_generated = (flags & column_is_generated) != 0;
    column.format = static_cast<ValueFormat>(reader.u8());
    if (column.format != ValueFormat::text && column.format != ValueFormat::binary) {
      throw ProtocolError{"relation record has an unknown value format"};
    }
    column.type_kind = static_cast<char>(reader.u8());
    column.number = reader.u16();
    column.type_oid = reader.u32();
    column.base_oid = reader.u32();
    column.typmod = reader.i32();
    column.name = encoding_.to_utf8(reader.string());
    column.type_schema = encoding_.to_utf8(reader.string());
    column.type_name = encoding_.to_utf8(reader.string());
    if (column.is_key) ++relation.key_columns;
    relation.columns.push_back(std::move(column));
  }
  reader.expect_end();
  const auto id = relation.id;
  const auto known_by_id = current_.find(id);
  const bool altered = known_by_id != current_.end() && !known_by_id->second->looks_like(relation);
  if (altered) frame.outdated.push_back(known_by_id->second);
  auto& holder = holders_[relation.schema + '\0' + relation.name];
  if (holder != nullptr && holder->id != id) frame.outdated.push_back(holder);
  // Partitions under one root that differ in their identity take turns: a version that says the same is used again.
  for (const auto& known : versions_) {
    if (known.id != id || altered) continue;
    relation.serial = known.serial;
    const auto version = std::exchange(relation.version, known.version);
    if (relation == known) {
      current_[id] = holder = &known;
      frame.described.push_back(holder);
      return;
    }
    relation.version = version;
  }
  relation.serial = static_cast<std::uint32_t>(versions_.size());
  current_[id] = holder = &versions_.emplace_back(std::move(relation));
  frame.described.push_back(holder);
}

void Decoder::read_row_change(RecordKind kind, Reader reader, Frame& frame) {
  if (!open_) throw ProtocolError{"change outside of a transaction"};
  Change change;
  change.kind = kind;
  change.relation = &relation(reader.u32());
  const auto columns = change.relation->columns.size();
  if (kind != RecordKind::insert) change.flags = reader.u8();
  const auto known =
      kind == RecordKind::update ? old_key | old_full | no_new_tuple | enters_row_filter : old_key | old_full;
  const auto beside_entering = old_key | old_full | no_new_tuple;
  if ((change.flags & ~known) != 0 || (change.flags & (old_key | old_full)) == (old_key | old_full) ||
      ((change.flags & enters_row_filter) != 0 && (change.flags & beside_entering) != 0)) {
    throw ProtocolError{fmt::format("change has flags 0x{:02x}", change.flags)};
  }
  if ((change.flags & old_key) != 0) change.old_tuple = take_tuple(reader, change.relation->key_columns, false);
  if ((change.flags & old_full) != 0) change.old_tuple = take_tuple(reader, columns, false);
  if (kind != RecordKind::delete_ && (change.flags & no_new_tuple) == 0) {
    change.new_tuple = take_tuple(reader, columns, kind == RecordKind::update);
  }
  reader.expect_end();
  ++changes_in_transaction_;
  frame.changes.push_back(change);
}

void Decoder::read_truncate(Reader reader, Frame& frame) {
  if (!open_) throw ProtocolError{"truncate outside of a transaction"};
  Change change;
  change.kind = RecordKind::truncate;
  change.flags = reader.u8();
  if ((change.flags & ~(truncate_cascade | truncate_restart_identity | truncate_of_partitions)) != 0) {
    throw ProtocolError{fmt::format("truncate has flags 0x{:02x}", change.flags)};
  }
  std::vector<const Relation*> relations(reader.u16());
  if (relations.empty()) throw ProtocolError{"truncate names no relation"};
  for (auto& entry : relations) entry = &relation(reader.u32());
  std::vector<std::string> partitions((change.flags & truncate_of_partitions) != 0 ? relations.size() : 0);
  for (auto& name : partitions) {
    const auto schema = encoding_.to_utf8(reader.string());
    name = fmt::format("{}.{}", schema, encoding_.to_utf8(reader.string()));
  }
  reader.expect_end();
  change.truncate_index = static_cast<std::uint32_t>(frame.truncates.size());
  frame.truncates.push_back(std::move(relations));
  frame.partitions.push_back(std::move(partitions));
  ++changes_in_transaction_;
  frame.changes.push_back(change);
}

void Decoder::read_rewrite(Reader reader, Frame& frame) {
  if (!open_) throw ProtocolError{"rewrite outside of a transaction"};
  frame.rewrites.push_back(&relation(reader.u32()));
  frame.rewrites_after.push_back(frame.changes.size());
  reader.expect_end();
}

void Decoder::read_message(Reader reader, Frame& frame) {
  const auto flags = reader.u8();
  if ((flags & ~message_transactional) != 0) throw ProtocolError{fmt::format("message has flags 0x{:02x}", flags)};
  Message message;
  message.transactional = (flags & message_transactional) != 0;
  if (message.transactional != open_.has_value()) throw ProtocolError{"message stands in the wrong place"};
  message.lsn = Lsn{reader.u64()};
  message.prefix = reader.string();
  message.content = reader.bytes(reader.u32());
  reader.expect_end();
  frame.messages.push_back(std::move(message));
  frame.messages_after.push_back(frame.changes.size());
}

void Decoder::read_commit(Reader reader, Frame& frame) {
  if (!open_) throw ProtocolError{"commit outside of a transaction"};
  const Lsn final_lsn{reader.u64()};
  const Lsn end_lsn{reader.u64()};
  const auto changes = reader.u64();
  reader.expect_end();
  if (final_lsn != open_->final_lsn || end_lsn != open_->end_lsn) {
    throw ProtocolError{"commit belongs to another transaction than its begin"};
  }
  if (changes != changes_in_transaction_) {
    throw ProtocolError{fmt::format("transaction at {} announces {} changes, {} arrived", final_lsn.text(), changes,
                                    changes_in_transaction_)};
  }
  last_end_ = end_lsn;
  open_.reset();
  frame.commit = true;
}

const Relation& Decoder::relation(std::uint32_t id) const {
  const auto found = current_.find(id);
  if (found == current_.end()) throw ProtocolError{fmt::format("change of relation {}, which was not described", id)};
  return *found->second;
}

}  // namespace walgate::wire
