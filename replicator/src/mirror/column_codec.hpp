// column_codec.hpp - how the values of one column become JSON, chosen once for each version of a relation.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mirror/field_schema.hpp"
#include "mirror/json_buffer.hpp"
#include "mirror/source_text.hpp"
#include "mirror/source_types.hpp"
#include "mirror/value_modes.hpp"
#include "wire/relation.hpp"

namespace walgate::mirror {

struct ColumnCodec {
  /// Appends a value that is not null.  Throws ProtocolError for bytes that are not of the type, ConversionError for a
  /// value without a form.
  using Append = void (*)(JsonBuffer& out, const ColumnCodec& codec, std::string_view bytes);

  Append append = nullptr;
  FieldSchema schema;
  /// JSON in place of a value that the WAL does not hold; empty where the type can hold nothing that says so: then it
  /// is null, and only the record's header tells.
  std::string unavailable;

  // What `append` needs, each where it applies.
  const SourceText* text = nullptr;        ///< outlives the codec
  std::uint32_t type = 0;                  ///< OID
  int scale = 0;                           ///< decimals of a number or of seconds
  std::unique_ptr<ColumnCodec> element{};  ///< of an array
  bool may_nest = true;                    ///< of an array: may it have several dimensions?
};

/// What codecs are made from.
struct CodecOptions {
  ValueModes modes{};
  /// Records carry their schema, which cannot say how many dimensions an array has.
  bool with_schema = true;
};

/// The codec of a column; nullopt for a binary type that has no form in a record.  `types` and `text` must outlive it.
[[nodiscard]] std::optional<ColumnCodec> column_codec(const wire::Column& column, const CodecOptions& options,
                                                      const SourceTypes& types, const SourceText& text);

}  // namespace walgate::mirror
