// rows.hpp - how the files that hold rows of the table of keys write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/schema.hpp"

namespace walgate::config {

inline constexpr std::uint64_t kilobyte = 1024;
inline constexpr std::uint64_t megabyte = 1024 * kilobyte;
inline constexpr std::uint64_t gigabyte = 1024 * megabyte;

template <typename T>
using Place = T& (*)(Draft&);

/// An object with keys of its own.
[[nodiscard]] Key section(std::string path, std::string_view meaning);

/// An array of such objects.
[[nodiscard]] Key list_of_sections(std::string path, std::string_view meaning);

template <typename T>
[[nodiscard]] Key required(std::string path, ValueType<T> type, std::string_view meaning, Place<T> place) {
  Key key = section(std::move(path), meaning);
  key.type = type.name;
  key.required = true;
  key.schema = type.schema;
  key.read = [type, place](const Element& element, const std::string& at, Mistakes& mistakes, Draft& draft) {
    auto value = type.read(element, at, mistakes);
    if (!value) return false;
    place(draft) = std::move(*value);
    return true;
  };
  key.show = [type, place](Draft& draft) { return type.show(place(draft)); };
  return key;
}

/// A key whose default follows from other keys; `in_words` tells it.
template <typename T>
[[nodiscard]] Key derived(std::string path, ValueType<T> type, std::string in_words, std::string_view meaning,
                          Place<T> place, void (*set_default)(Draft&)) {
  Key key = required(std::move(path), std::move(type), meaning, place);
  key.required = false;
  key.standard = std::move(in_words);
  key.set_default = set_default;
  return key;
}

template <typename T>
[[nodiscard]] Key optional(std::string path, ValueType<T> type, T standard, std::string_view meaning, Place<T> place) {
  const ordered_json json = type.show(standard);
  Key key = required(std::move(path), std::move(type), meaning, place);
  key.required = false;
  key.standard = '`' + json.dump() + '`';
  key.schema["default"] = json;
  key.set_default = [standard = std::move(standard), place](Draft& draft) { place(draft) = standard; };
  return key;
}

/// The rows of the section `kafka`, and those of `tables[]` that are about the mirror.
void add_kafka_keys(std::vector<Key>& all);
void add_kafka_keys_of_tables(std::vector<Key>& all);

}  // namespace walgate::config
