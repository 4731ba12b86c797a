#include "mirror/record_content.hpp"

#include <simdjson.h>

#include <functional>

namespace walgate::mirror {

namespace {

namespace ondemand = simdjson::ondemand;

/// The text of a value as the record has it; ours have no blanks in them.
std::string_view text_of(ondemand::value& value) {
  switch (value.type()) {
    case ondemand::json_type::object: {
      ondemand::object object = value.get_object();
      return object.raw_json();
    }
    case ondemand::json_type::array: {
      ondemand::array array = value.get_array();
      return array.raw_json();
    }
    default:
      return value.raw_json_token();
  }
}

void read_row(ondemand::object row, RecordContent& content) {
  for (auto field : row) {
    std::string name{std::string_view{field.unescaped_key()}};
    ondemand::value value = field.value();
    content.columns.push_back(std::move(name));
    content.hashes.push_back(hash_of(text_of(value)));
  }
}

void read_source(ondemand::object source, RecordContent& content) {
  std::string schema;
  std::string table;
  for (auto field : source) {
    const std::string_view name = field.unescaped_key();
    const bool is_schema = name == "schema";
    if (!is_schema && name != "table") continue;
    (is_schema ? schema : table) = std::string_view{field.value().get_string()};
  }
  content.table = schema + "." + table;
}

void read_envelope(ondemand::object envelope, RecordContent& content) {
  for (auto field : envelope) {
    const std::string_view name = field.unescaped_key();
    if (name == "after") {
      ondemand::value after = field.value();
      if (!after.is_null()) read_row(after.get_object(), content);
    } else if (name == "source") {
      read_source(field.value().get_object(), content);
    } else if (name == "op") {
      const std::string_view operation = field.value().get_string();
      if (operation.size() == 1) content.operation = operation.front();
    }
  }
}

/// The row with __deleted, __op and __lsn behind its columns.
void read_flat(ondemand::object object, RecordContent& content) {
  for (auto field : object) {
    std::string name{std::string_view{field.unescaped_key()}};
    if (name == "__op") {
      const std::string_view operation = field.value().get_string();
      if (operation.size() == 1) content.operation = operation.front();
      continue;
    }
    ondemand::value value = field.value();
    if (name == "__deleted" || name == "__lsn") continue;
    content.columns.push_back(std::move(name));
    content.hashes.push_back(hash_of(text_of(value)));
  }
}

}  // namespace

std::uint64_t hash_of(std::string_view text) noexcept {
  const std::uint64_t hash = std::hash<std::string_view>{}(text);
  return hash == unknown_value ? 1 : hash;
}

struct RecordContentReader::Parser {
  ondemand::parser parser;
  std::string padded;
};

RecordContentReader::RecordContentReader(RecordFormat format, bool with_schema)
    : format_{format}, with_schema_{with_schema}, parser_{std::make_unique<Parser>()} {}
RecordContentReader::~RecordContentReader() = default;

bool RecordContentReader::read(std::string_view value, RecordContent& content) {
  content.operation = 0;
  content.table.clear();
  content.columns.clear();
  content.hashes.clear();
  auto& padded = parser_->padded;
  padded.assign(value);
  padded.append(simdjson::SIMDJSON_PADDING, '\0');
  try {
    ondemand::document document =
        parser_->parser.iterate(simdjson::padded_string_view{padded.data(), value.size(), padded.size()});
    ondemand::object object = document.get_object();
    if (with_schema_) object = object.find_field("payload").get_object();
    if (format_ == RecordFormat::debezium) {
      read_envelope(object, content);
    } else {
      read_flat(object, content);
    }
  } catch (const simdjson::simdjson_error&) {
    return false;
  }
  if (content.operation == 'd' || content.operation == 't') {
    content.columns.clear();
    content.hashes.clear();
  }
  return std::string_view{"cudrt"}.find(content.operation) != std::string_view::npos && content.operation != 0;
}

}  // namespace walgate::mirror
