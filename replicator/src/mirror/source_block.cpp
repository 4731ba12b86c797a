#include "mirror/source_block.hpp"

#include <fmt/format.h>

namespace walgate::mirror {

namespace {

std::string quoted(std::string_view utf8) {
  JsonBuffer out;
  out.string(utf8);
  return std::string{out.view()};
}

void append_lsn_text(JsonBuffer& out, Lsn lsn) {
  out.raw(R"(\")");
  out.unsigned_integer(lsn.value);
  out.raw(R"(\")");
}

}  // namespace

std::string source_schema() {
  return R"({"type":"struct","fields":[{"type":"string","optional":false,"field":"version"},)"
         R"({"type":"string","optional":false,"field":"connector"},{"type":"string","optional":false,"field":"name"},)"
         R"({"type":"int64","optional":false,"field":"ts_ms"},{"type":"string","optional":true,"name":"io.debezium.data.Enum",)"
         R"("version":1,"parameters":{"allowed":"true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"},)"
         R"("default":"false","field":"snapshot"},{"type":"string","optional":false,"field":"db"},)"
         R"({"type":"string","optional":true,"field":"sequence"},{"type":"int64","optional":true,"field":"ts_us"},)"
         R"({"type":"int64","optional":true,"field":"ts_ns"},{"type":"string","optional":false,"field":"schema"},)"
         R"({"type":"string","optional":false,"field":"table"},{"type":"int64","optional":true,"field":"txId"},)"
         R"({"type":"int64","optional":true,"field":"lsn"},{"type":"int64","optional":true,"field":"xmin"},)"
         R"({"type":"string","optional":true,"field":"origin"},{"type":"int64","optional":true,"field":"origin_lsn"}],)"
         R"("optional":false,"name":"io.debezium.connector.postgresql.Source","version":1,"field":"source"})";
}

std::string transaction_block_schema() {
  return R"({"type":"struct","fields":[{"type":"string","optional":false,"field":"id"},)"
         R"({"type":"int64","optional":false,"field":"total_order"},)"
         R"({"type":"int64","optional":false,"field":"data_collection_order"}],)"
         R"("optional":true,"name":"event.block","version":1,"field":"transaction"})";
}

std::int64_t epoch_microseconds(std::int64_t postgres_time) noexcept {
  constexpr std::int64_t from_1970_to_2000 = 946'684'800'000'000;
  return postgres_time + from_1970_to_2000;
}

void append_times(JsonBuffer& out, std::int64_t microseconds) {
  out.raw(R"(,"ts_ms":)");
  out.integer(microseconds / 1000);
  out.raw(R"(,"ts_us":)");
  out.integer(microseconds);
  out.raw(R"(,"ts_ns":)");
  out.integer(microseconds * 1000);
}

SourceBlock::SourceBlock(const RecordOptions& options, std::string_view schema, std::string_view table)
    : head_{fmt::format(R"({{"version":{},"connector":"postgresql","name":{},"ts_ms":)", quoted(options.version),
                        quoted(options.pipeline))},
      middle_{fmt::format(R"(,"db":{},"sequence":"[)", quoted(options.database))},
      tail_{fmt::format(R"(,"schema":{},"table":{},"txId":)", quoted(schema), quoted(table))} {}

void SourceBlock::append(JsonBuffer& out, const ChangeContext& context, bool is_read) {
  const auto& transaction = context.transaction;
  if (transaction.final_lsn != last_lsn_ || is_read != last_is_read_ || last_.size() == 0) {
    last_lsn_ = transaction.final_lsn;
    last_is_read_ = is_read;
    const auto time = epoch_microseconds(transaction.commit_time);
    last_.clear();
    last_.raw(head_);
    last_.integer(time / 1000);
    last_.raw(is_read ? R"(,"snapshot":"true")" : R"(,"snapshot":"false")");
    last_.raw(middle_);
    if (context.previous_commit.is_set()) {
      append_lsn_text(last_, context.previous_commit);
    } else {
      last_.null();
    }
    last_.raw(',');
    append_lsn_text(last_, transaction.final_lsn);
    last_.raw(R"(]","ts_us":)");
    last_.integer(time);
    last_.raw(R"(,"ts_ns":)");
    last_.integer(time * 1000);
    last_.raw(tail_);
    last_.unsigned_integer(transaction.xid);
    last_.raw(R"(,"lsn":)");
    last_.unsigned_integer(transaction.final_lsn.value);
    last_.raw(R"(,"xmin":null,"origin":null,"origin_lsn":null})");
  }
  out.raw(last_.view());
}

void append_transaction_id(JsonBuffer& out, const wire::Begin& transaction) {
  out.raw('"');
  out.unsigned_integer(transaction.xid);
  out.raw(':');
  out.unsigned_integer(transaction.final_lsn.value);
  out.raw('"');
}

void append_transaction_block(JsonBuffer& out, const RecordOptions& options, const ChangeContext& context,
                              std::uint64_t records_before) {
  if (!options.with_transaction_block) return out.null();
  out.raw(R"({"id":)");
  append_transaction_id(out, context.transaction);
  out.raw(R"(,"total_order":)");
  out.unsigned_integer(context.order + records_before);
  out.raw(R"(,"data_collection_order":)");
  out.unsigned_integer(context.order_in_table + records_before);
  out.raw('}');
}

}  // namespace walgate::mirror
