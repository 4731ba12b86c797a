#include "mirror/marker_records.hpp"

#include "mirror/type_oids.hpp"

namespace walgate::mirror {

namespace {

constexpr std::string_view message_key_schema =
    R"({"type":"struct","fields":[{"type":"string","optional":true,"field":"prefix"}],"optional":false,)"
    R"("name":"io.debezium.connector.postgresql.MessageKey","version":1})";

std::string message_value_schema(const FieldSchema& content) {
  return R"({"type":"struct","fields":[{"type":"string","optional":false,"field":"op"},{"type":"int64","optional":true,"field":"ts_ms"},)" +
         source_schema() + "," + transaction_block_schema() +
         R"(,{"type":"struct","fields":[{"type":"string","optional":true,"field":"prefix"},)" +
         content.json(true, R"("content")") +
         R"(],"optional":false,"name":"io.debezium.connector.postgresql.Message","version":1,"field":"message"}],)"
         R"("optional":false,"name":"io.debezium.connector.postgresql.MessageValue","version":1})";
}

ColumnCodec bytea_codec(const RecordOptions& options, const SourceText& text) {
  return *column_codec({.type_oid = oid::bytea, .base_oid = oid::bytea}, options.codec, {}, text);
}

constexpr std::string_view transaction_key_schema =
    R"({"type":"struct","fields":[{"type":"string","optional":false,"field":"id"}],"optional":false,)"
    R"("name":"io.debezium.connector.common.TransactionMetadataKey","version":1})";

constexpr std::string_view transaction_value_schema =
    R"({"type":"struct","fields":[{"type":"string","optional":false,"field":"status"},{"type":"string","optional":false,"field":"id"},)"
    R"({"type":"int64","optional":true,"field":"event_count"},{"type":"array","items":{"type":"struct","fields":[)"
    R"({"type":"string","optional":false,"field":"data_collection"},{"type":"int64","optional":false,"field":"event_count"}],)"
    R"("optional":true,"name":"event.collection","version":1},"optional":true,"field":"data_collections"},)"
    R"({"type":"int64","optional":false,"field":"ts_ms"}],"optional":false,)"
    R"("name":"io.debezium.connector.common.TransactionMetadataValue","version":1})";

}  // namespace

MarkerRecords::MarkerRecords(const RecordOptions& options, const SourceText& text)
    : options_{options},
      text_{text},
      content_{bytea_codec(options, text)},
      message_value_schema_{message_value_schema(content_.schema)},
      source_{options, "", ""} {}

Record MarkerRecords::message(const wire::Message& message, const ChangeContext& context) {
  start();
  open(message_key_schema);
  out_.raw(R"({"prefix":)");
  text_.append(out_, message.prefix);
  out_.raw('}');
  close();
  key_end_ = out_.size();
  open(message_value_schema_);
  out_.raw(R"({"op":"m","ts_ms":)");
  out_.integer(context.now / 1000);
  out_.raw(R"(,"source":)");
  source_.append(out_, context, false);
  out_.raw(R"(,"transaction":)");
  append_transaction_block(out_, options_, context);
  out_.raw(R"(,"message":{"prefix":)");
  text_.append(out_, message.prefix);
  out_.raw(R"(,"content":)");
  content_.append(out_, content_, message.content);
  out_.raw("}}");
  close();
  return finish(true);
}

Record MarkerRecords::begin(const wire::Begin& transaction) {
  start();
  append_transaction_key(transaction);
  append_transaction_head("BEGIN", transaction);
  out_.raw(R"(,"event_count":null,"data_collections":null,"ts_ms":)");
  out_.integer(epoch_microseconds(transaction.commit_time) / 1000);
  out_.raw('}');
  close();
  return finish(true);
}

Record MarkerRecords::end(const wire::Begin& transaction, std::span<const TableCount> tables) {
  start();
  append_transaction_key(transaction);
  append_transaction_head("END", transaction);
  std::uint64_t records = 0;
  for (const auto& table : tables) records += table.records;
  out_.raw(R"(,"event_count":)");
  out_.unsigned_integer(records);
  out_.raw(R"(,"data_collections":[)");
  bool is_first = true;
  for (const auto& table : tables) {
    if (!is_first) out_.raw(',');
    is_first = false;
    out_.raw(R"({"data_collection":)");
    out_.string(table.table);
    out_.raw(R"(,"event_count":)");
    out_.unsigned_integer(table.records);
    out_.raw('}');
  }
  out_.raw(R"(],"ts_ms":)");
  out_.integer(epoch_microseconds(transaction.commit_time) / 1000);
  out_.raw('}');
  close();
  return finish(true);
}

void MarkerRecords::start() {
  out_.clear();
  key_end_ = 0;
}

void MarkerRecords::open(std::string_view schema) {
  if (!options_.codec.with_schema) return;
  out_.raw(R"({"schema":)");
  out_.raw(schema);
  out_.raw(R"(,"payload":)");
}

void MarkerRecords::close() {
  if (options_.codec.with_schema) out_.raw('}');
}

Record MarkerRecords::finish(bool has_key) {
  const auto text = out_.view();
  return {.key = text.substr(0, key_end_), .value = text.substr(key_end_), .has_key = has_key};
}

void MarkerRecords::append_transaction_key(const wire::Begin& transaction) {
  open(transaction_key_schema);
  out_.raw(R"({"id":)");
  append_transaction_id(out_, transaction);
  out_.raw('}');
  close();
  key_end_ = out_.size();
}

void MarkerRecords::append_transaction_head(std::string_view status, const wire::Begin& transaction) {
  open(transaction_value_schema);
  out_.raw(R"({"status":)");
  out_.string(status);
  out_.raw(R"(,"id":)");
  append_transaction_id(out_, transaction);
}

}  // namespace walgate::mirror
