#include "mirror/record_schema.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mirror/source_block.hpp"

namespace walgate::mirror {

namespace {

std::string quoted(std::string_view utf8) {
  JsonBuffer out;
  out.string(utf8);
  return std::string{out.view()};
}

/// The fields of all columns, separated by commas.
std::string row_fields(const wire::Relation& relation, std::span<const ColumnCodec> codecs,
                       std::span<const std::uint16_t> key) {
  std::string fields;
  for (std::size_t i = 0; i < codecs.size(); ++i) {
    const auto is_key = std::ranges::find(key, i) != key.end();
    if (i > 0) fields += ',';
    fields += codecs[i].schema.json(!is_key, quoted(relation.columns[i].name));
  }
  return fields;
}

/// The schema of a flat record with these fields and a name that ends so.
std::string flat_schema(const std::string& fields, const std::string& prefix, std::string_view suffix) {
  return fmt::format(
      R"({{"type":"struct","fields":[{}{}{{"type":"string","optional":true,"field":"__deleted"}},)"
      R"({{"type":"string","optional":true,"field":"__op"}},{{"type":"int64","optional":true,"field":"__lsn"}}],)"
      R"("optional":false,"name":"{}.{}"}})",
      fields, fields.empty() ? "" : ",", prefix, suffix);
}

}  // namespace

std::string schema_prefix(const RecordOptions& options, const wire::Relation& relation) {
  auto prefix = fmt::format("{}.{}.{}", options.pipeline, relation.schema, relation.name);
  for (auto& c : prefix) {
    const auto is_legal =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!is_legal) c = '_';
  }
  return prefix;
}

std::string key_schema(const RecordOptions& options, const wire::Relation& relation,
                       std::span<const ColumnCodec> codecs, std::span<const std::uint16_t> key) {
  std::string fields;
  for (const auto column : key) {
    if (!fields.empty()) fields += ',';
    fields += codecs[column].schema.json(false, quoted(relation.columns[column].name));
  }
  return fmt::format(R"({{"type":"struct","fields":[{}],"optional":false,"name":"{}.Key"}})", fields,
                     schema_prefix(options, relation));
}

std::string value_schema(const RecordOptions& options, const wire::Relation& relation,
                         std::span<const ColumnCodec> codecs, std::span<const std::uint16_t> key) {
  const auto prefix = schema_prefix(options, relation);
  const auto fields = row_fields(relation, codecs, key);
  if (options.format == RecordFormat::flat) return flat_schema(fields, prefix, "Value");
  const auto row = [&](std::string_view field) {
    return fmt::format(R"({{"type":"struct","fields":[{}],"optional":true,"name":"{}.Value","field":"{}"}})", fields,
                       prefix, field);
  };
  return fmt::format(
      R"({{"type":"struct","fields":[{},{},{},{},{{"type":"string","optional":false,"field":"op"}},)"
      R"({{"type":"int64","optional":true,"field":"ts_ms"}},{{"type":"int64","optional":true,"field":"ts_us"}},)"
      R"({{"type":"int64","optional":true,"field":"ts_ns"}}],"optional":false,"name":"{}.Envelope","version":2}})",
      row("before"), row("after"), source_schema(), transaction_block_schema(), prefix);
}

std::string truncate_schema(const RecordOptions& options, const wire::Relation& relation,
                            std::span<const ColumnCodec> codecs, std::span<const std::uint16_t> key) {
  if (options.format == RecordFormat::flat) return flat_schema("", schema_prefix(options, relation), "Truncate");
  return value_schema(options, relation, codecs, key);
}

std::string truncate_key(std::string_view table, bool with_schema) {
  const auto payload = fmt::format(R"({{"table":{}}})", quoted(table));
  if (!with_schema) return payload;
  return R"({"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"table"}],"optional":false,)"
         R"("name":"walgate.TruncateKey"},"payload":)" +
         payload + "}";
}

}  // namespace walgate::mirror
