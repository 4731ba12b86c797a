// record_schema.hpp - the schemas of a table's keys and values, as Kafka Connect's JSON converter writes them.
//
// The stream does not tell which columns may be null, so every column may, but those of the key.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "mirror/column_codec.hpp"
#include "mirror/record.hpp"
#include "wire/relation.hpp"

namespace walgate::mirror {

/// {pipeline}.{schema}.{table}, with '_' for what the name of a topic could not hold; schemas' names start with it.
[[nodiscard]] std::string schema_prefix(const RecordOptions& options, const wire::Relation& relation);

/// The schema of the key.
[[nodiscard]] std::string key_schema(const RecordOptions& options, const wire::Relation& relation,
                                     std::span<const ColumnCodec> codecs, std::span<const std::uint16_t> key);
/// The schema of the value, in the format that the options name.
[[nodiscard]] std::string value_schema(const RecordOptions& options, const wire::Relation& relation,
                                       std::span<const ColumnCodec> codecs, std::span<const std::uint16_t> key);
/// The schema of the value that says that the table was emptied: in format flat there is no row in it.
[[nodiscard]] std::string truncate_schema(const RecordOptions& options, const wire::Relation& relation,
                                          std::span<const ColumnCodec> codecs, std::span<const std::uint16_t> key);

/// The key of the record that says that the table "schema.table" was emptied, where the topic takes none without a key.
[[nodiscard]] std::string truncate_key(std::string_view table, bool with_schema);

}  // namespace walgate::mirror
