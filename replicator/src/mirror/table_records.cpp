#include "mirror/table_records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "catalog/identifier.hpp"
#include "mirror/conversion_error.hpp"
#include "mirror/record_schema.hpp"
#include "wire/reader.hpp"

namespace walgate::mirror {

namespace {

std::string name_of(const wire::Relation& relation) {
  return QualifiedName{relation.schema, relation.name}.display();
}

[[noreturn]] void refuse(ErrorName name, const wire::Relation& relation, const wire::Begin& transaction,
                         std::string message, std::string remedy = {}) {
  throw at_transaction({.name = name,
                        .message = std::move(message),
                        .remedy = std::move(remedy),
                        .phase = "mirror",
                        .relation = name_of(relation)},
                       transaction);
}

}  // namespace

Error at_transaction(Failure failure, const wire::Begin& transaction) {
  if (transaction.xid != 0) {
    failure.lsn = transaction.final_lsn;
    failure.xid = transaction.xid;
  }
  return Error{std::move(failure)};
}

std::vector<std::uint16_t> identity_columns(const wire::Relation& relation) {
  std::vector<std::uint16_t> columns;
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    if (relation.columns[i].is_key) columns.push_back(static_cast<std::uint16_t>(i));
  }
  return columns;
}

TableRecords::TableRecords(const wire::Relation& relation, std::span<const std::uint16_t> key,
                           const RecordOptions& options, const SourceTypes& types, const SourceText& text)
    : relation_{relation},
      options_{options},
      key_{key.begin(), key.end()},
      identity_{identity_columns(relation)},
      source_{options, relation.schema, relation.name},
      old_values_(relation.columns.size()) {
  std::string without_form;
  for (const auto& column : relation.columns) {
    if (auto codec = column_codec(column, options.codec, types, text)) {
      codecs_.push_back(std::move(*codec));
    } else {
      without_form +=
          fmt::format("{}{} ({})", without_form.empty() ? "" : ", ", display_identifier(column.name), column.type_name);
    }
    JsonBuffer label;
    label.string(column.name);
    label.raw(':');
    labels_.emplace_back(label.view());
  }
  if (!without_form.empty()) {
    throw Error{{.name = ErrorName::column_not_mirrored,
                 .message = fmt::format("columns of table {} have types without a form in records", name_of(relation)),
                 .detail = without_form,
                 .phase = "mirror",
                 .relation = name_of(relation)}};
  }
  for (const auto column : key_) {
    const auto is_told =
        relation.columns.at(column).is_key || relation.has_full_identity() || relation.replica_identity == 'n';
    if (!is_told) {
      throw Error{
          {.name = ErrorName::mirror_key_unknown,
           .message = fmt::format(
               "column {} of table {} cannot be part of the key, because it is not part of the replica identity",
               display_identifier(relation.columns[column].name), name_of(relation)),
           .phase = "mirror",
           .relation = name_of(relation)}};
    }
  }
  const auto head = [&](const std::string& schema) {
    return options.codec.with_schema ? R"({"schema":)" + schema + R"(,"payload":)" : std::string{};
  };
  key_head_ = head(key_schema(options, relation, codecs_, key_));
  value_head_ = head(value_schema(options, relation, codecs_, key_));
  truncate_head_ = head(truncate_schema(options, relation, codecs_, key_));
}

std::span<const Record> TableRecords::of_change(const wire::Change& change, const ChangeContext& context,
                                                Row complete) {
  start();
  read_old_tuple(change);
  const auto has_old = (change.flags & (wire::old_key | wire::old_full)) != 0;
  const Row old_row = has_old ? Row{old_values_} : Row{};
  const auto is_update = change.kind == wire::RecordKind::update;
  if (is_update && (change.flags & wire::enters_row_filter) != 0) {
    refuse(ErrorName::row_filter_without_values, relation_, context.transaction,
           fmt::format("a row of table {} passes the row filter only now, and the WAL does not hold all of its values",
                       name_of(relation_)));
  }
  if (change.kind == wire::RecordKind::delete_ || (is_update && (change.flags & wire::no_new_tuple) != 0)) {
    if (!has_old) {
      refuse(ErrorName::change_not_identified, relation_, context.transaction,
             fmt::format("a change of table {} does not say which row it is about", name_of(relation_)));
    }
    add(Operation::remove, old_row, old_row, {}, context);
    add_tombstone();
    return finish();
  }
  wire::split_tuple(change.new_tuple, new_values_);
  complete_new_values(change, complete);
  if (!is_update) {
    add(Operation::create, new_values_, {}, new_values_, context);
  } else if (has_old && key_differs()) {
    add(Operation::remove, old_row, old_row, {}, context);
    add_tombstone();
    add(Operation::create, new_values_, {}, new_values_, context);
  } else {
    add(Operation::update, new_values_, old_row, new_values_, context);
  }
  return finish();
}

std::span<const Record> TableRecords::of_row(std::string_view tuple, const ChangeContext& context) {
  start();
  wire::split_tuple(tuple, new_values_);
  add(Operation::read, new_values_, {}, new_values_, context);
  return finish();
}

std::span<const Record> TableRecords::of_gone(std::string_view key, const ChangeContext& context) {
  start();
  const auto json = nlohmann::json::parse(key, nullptr, false);
  const auto payload = json.is_object() && json.contains("payload") && json.contains("schema") ? json["payload"] : json;
  if (!payload.is_object() || !has_key()) return finish();
  for (const auto& column : relation_.columns) {
    const auto found = payload.find(column.name);
    gone_.push_back(found == payload.end() ? "null" : found->dump());
  }
  old_values_.assign(relation_.columns.size(), {});
  const auto begin = out_.size();
  out_.raw(key);
  const auto key_end = out_.size();
  append_value_of(Operation::remove, old_values_, {}, context);
  pieces_.push_back({begin, key_end, out_.size(), true, false});
  gone_.clear();
  add_tombstone();
  return finish();
}

std::span<const Record> TableRecords::of_truncate(const ChangeContext& context) {
  start();
  add(Operation::truncate, {}, {}, {}, context);
  return finish();
}

void TableRecords::start() {
  out_.clear();
  pieces_.clear();
  unavailable_.clear();
}

/// Afterwards old_values_ has a value for every column: null for those that the image leaves out.
void TableRecords::read_old_tuple(const wire::Change& change) {
  if ((change.flags & wire::old_full) != 0) {
    wire::split_tuple(change.old_tuple, old_values_);
  } else if ((change.flags & wire::old_key) != 0) {
    wire::split_tuple(change.old_tuple, identity_values_);
    old_values_.assign(relation_.columns.size(), {});
    for (std::size_t i = 0; i < identity_.size(); ++i) old_values_[identity_[i]] = identity_values_[i];
  }
}

/// A value that did not change is in the old image, if that has it, or in the row from elsewhere.
void TableRecords::complete_new_values(const wire::Change& change, Row complete) {
  const auto has_full = (change.flags & wire::old_full) != 0;
  const auto has_key = (change.flags & wire::old_key) != 0;
  for (std::size_t i = 0; i < new_values_.size(); ++i) {
    auto& value = new_values_[i];
    if (value.length != wire::length_unchanged_toast) continue;
    if (has_full || (has_key && relation_.columns[i].is_key)) {
      value = old_values_[i];
    } else if (!complete.empty() && complete[i].length != wire::length_unchanged_toast) {
      value = complete[i];
    } else {
      unavailable_.push_back(static_cast<std::uint16_t>(i));
    }
  }
}

bool TableRecords::key_differs() const {
  return std::ranges::any_of(key_, [this](std::uint16_t column) {
    const auto& before = old_values_[column];
    const auto& after = new_values_[column];
    if (before.length != after.length) return true;
    return before.length > 0 && std::memcmp(before.data, after.data, static_cast<std::size_t>(before.length)) != 0;
  });
}

void TableRecords::add(Operation operation, Row key, Row before, Row after, const ChangeContext& context) {
  try {
    const auto start = out_.size();
    const auto with_key = has_key() && operation != Operation::truncate;
    if (with_key) append_key(key);
    const auto key_end = out_.size();
    append_value_of(operation, before, after, context);
    pieces_.push_back({start, key_end, out_.size(), with_key, false});
  } catch (const ConversionError& error) {
    refuse(ErrorName::value_not_mirrored, relation_, context.transaction,
           fmt::format("a value of column {} of table {} has no form in records: {}",
                       display_identifier(relation_.columns[at_column_].name), name_of(relation_), error.what()));
  }
}

void TableRecords::append_value_of(Operation operation, Row before, Row after, const ChangeContext& context) {
  out_.raw(operation == Operation::truncate ? truncate_head_ : value_head_);
  if (options_.format == RecordFormat::debezium) {
    append_envelope(operation, before, after, context);
  } else {
    append_flat(operation, operation == Operation::remove ? before : after, context);
  }
  if (!value_head_.empty()) out_.raw('}');
}

/// The same key once more, without a value.
void TableRecords::add_tombstone() {
  if (!options_.with_tombstones || !has_key()) return;
  const auto& last = pieces_.back();
  pieces_.push_back({last.key_start, last.key_end, last.key_end, true, true});
}

void TableRecords::append_key(Row row) {
  out_.raw(key_head_);
  char separator = '{';
  for (const auto column : key_) {
    // The server logs the old key where a value of it is stored out of line; a placeholder would be another row's key.
    if (row[column].length == wire::length_unchanged_toast) {
      throw wire::ProtocolError{"a change does not hold a value of its key"};
    }
    out_.raw(separator);
    separator = ',';
    append_value(column, row[column]);
  }
  out_.raw(key_head_.empty() ? "}" : "}}");
}

void TableRecords::append_envelope(Operation operation, Row before, Row after, const ChangeContext& context) {
  out_.raw(R"({"before":)");
  append_row(before);
  out_.raw(R"(,"after":)");
  append_row(after);
  out_.raw(R"(,"source":)");
  source_.append(out_, context, operation == Operation::read);
  out_.raw(R"(,"transaction":)");
  if (context.transaction.xid == 0) {  // of a copy, which is part of no transaction
    out_.null();
  } else {
    append_transaction_block(out_, options_, context,
                             static_cast<std::uint64_t>(std::ranges::count(pieces_, false, &Piece::is_tombstone)));
  }
  out_.raw(R"(,"op":")");
  out_.raw(static_cast<char>(operation));
  out_.raw('"');
  append_times(out_, context.now);
  out_.raw('}');
}

void TableRecords::append_flat(Operation operation, Row row, const ChangeContext& context) {
  append_row(operation == Operation::truncate ? Row{old_values_}.first(0) : row);
  out_.cut(out_.size() - 1);  // the brace
  if (!row.empty()) out_.raw(',');
  out_.raw(operation == Operation::remove ? R"("__deleted":"true","__op":")" : R"("__deleted":"false","__op":")");
  out_.raw(static_cast<char>(operation));
  out_.raw(R"(","__lsn":)");
  out_.unsigned_integer(context.transaction.final_lsn.value);
  out_.raw('}');
}

void TableRecords::append_row(Row row) {
  if (row.data() == nullptr) return out_.null();
  out_.raw('{');
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) out_.raw(',');
    append_value(i, row[i]);
  }
  out_.raw('}');
}

void TableRecords::append_value(std::size_t column, const wire::Value& value) {
  at_column_ = column;
  out_.raw(labels_[column]);
  if (!gone_.empty()) return out_.raw(gone_[column]);
  const auto& codec = codecs_[column];
  if (value.length >= 0) {
    codec.append(out_, codec, {value.data, static_cast<std::size_t>(value.length)});
  } else if (value.length == wire::length_unchanged_toast && !codec.unavailable.empty()) {
    out_.raw(codec.unavailable);
  } else {
    out_.null();
  }
}

std::span<const Record> TableRecords::finish() {
  records_.clear();
  const auto text = out_.view();
  for (const auto& piece : pieces_) {
    records_.push_back({.key = text.substr(piece.key_start, piece.key_end - piece.key_start),
                        .value = text.substr(piece.key_end, piece.value_end - piece.key_end),
                        .has_key = piece.has_key,
                        .is_tombstone = piece.is_tombstone});
  }
  return records_;
}

}  // namespace walgate::mirror
