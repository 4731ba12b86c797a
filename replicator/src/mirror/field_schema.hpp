// field_schema.hpp - the schema of one field, as Kafka Connect's JSON converter writes it.
#pragma once

#include <string>
#include <string_view>

namespace walgate::mirror {

/// Pieces of a JSON object; whether the field may be null, and its name, come in between and at the end.
struct FieldSchema {
  std::string type;     ///< "type":"int32", or the type with its fields or items
  std::string meaning;  ///< ,"name":"io.debezium.time.Date","version":1 or empty

  /// The whole object; `field` is a JSON string with its quotes, or empty for an element of an array.
  [[nodiscard]] std::string json(bool optional, std::string_view field) const {
    std::string text = "{" + type + (optional ? ",\"optional\":true" : ",\"optional\":false") + meaning;
    if (!field.empty()) text.append(",\"field\":").append(field);
    return text + "}";
  }
};

}  // namespace walgate::mirror
