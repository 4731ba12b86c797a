// value_types.hpp - the kinds of values a configuration file may hold: how each is read, printed and described.
//
// A value type has a name for the reference, a reader that reports mistakes under the value's JSON path, a printer for
// `config show` and its JSON Schema.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "config/mistake.hpp"

namespace walgate::config {

using nlohmann::ordered_json;
using Element = simdjson::dom::element;

template <typename T>
struct ValueType {
  std::string name;  ///< for the reference: "size"
  /// nullopt: at least one mistake was added.
  std::function<std::optional<T>(const Element&, const std::string& path, Mistakes&)> read;
  std::function<ordered_json(const T&)> show;
  ordered_json schema;
};

using ColumnMap = std::map<std::string, std::optional<std::string>>;
using CastMap = std::map<std::string, std::string>;

/// What a JSON value is, for messages: "a string", "null" …
[[nodiscard]] std::string_view kind_of(const Element& value);
/// A text between double quotes for messages; control characters and quotes escaped, long ones cut.
[[nodiscard]] std::string shown(std::string_view text);
/// The path of a member: `tables[2].columns.body`, or `…columns["my body"]` where the name is no plain word.
[[nodiscard]] std::string member_path(const std::string& path, std::string_view name);

/// `[a-z0-9_]`, one to `most` characters.
[[nodiscard]] ValueType<std::string> plain_name(std::size_t most);
/// A connection string that libpq accepts.
[[nodiscard]] ValueType<std::string> conninfo();
/// The same, or null.
[[nodiscard]] ValueType<std::optional<std::string>> conninfo_or_null();
/// A path of the file system, or null, which reads as the empty text.
[[nodiscard]] ValueType<std::string> path_or_null();
/// An array of names, none twice; `least` is 0 or 1.
[[nodiscard]] ValueType<std::vector<std::string>> names(std::size_t least);
/// An integer.
[[nodiscard]] ValueType<std::uint64_t> count(std::uint64_t least, std::uint64_t most);
/// "8MB": a whole number and a unit, as PostgreSQL writes it.
[[nodiscard]] ValueType<std::uint64_t> size(std::uint64_t least, std::uint64_t most);
/// true or false.
[[nodiscard]] ValueType<bool> boolean();
/// "10s": a whole number and a unit, as PostgreSQL writes it.
[[nodiscard]] ValueType<std::chrono::milliseconds> duration(
    std::chrono::milliseconds least = std::chrono::milliseconds{0},
    std::chrono::milliseconds most = std::chrono::hours{1000 * 365 * 24});
/// "127.0.0.1:8432", or null.
[[nodiscard]] ValueType<Config::Http> listen_address();
/// `schema.table` with stars.
[[nodiscard]] ValueType<NamePattern> pattern();
/// The same, or null.
[[nodiscard]] ValueType<std::optional<NamePattern>> pattern_or_null();
/// Column names to column names or null; no two to one.
[[nodiscard]] ValueType<ColumnMap> column_map();
/// Column names to SQL types.
[[nodiscard]] ValueType<CastMap> cast_map();

/// A size or a time as the file, or the command line, writes it; nullopt for any other text.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// A value as the file would write it.
[[nodiscard]] std::string size_text(std::uint64_t bytes);
[[nodiscard]] std::string duration_text(std::chrono::milliseconds time);

/// One of some words.
template <typename Enum>
[[nodiscard]] ValueType<Enum> choice(std::vector<std::pair<std::string, Enum>> words) {
  ordered_json list = ordered_json::array();
  std::string expected;
  std::string name;
  for (std::size_t i = 0; i < words.size(); ++i) {
    list.push_back(words[i].first);
    const bool last = i + 1 == words.size();
    if (i > 0) expected += last ? " or " : ", ";
    if (i > 0) name += ", ";
    expected += '"' + words[i].first + '"';
    name += "`\"" + words[i].first + "\"`";
  }
  ValueType<Enum> type;
  type.name = name;
  type.read = [words, expected](const Element& value, const std::string& path, Mistakes& mistakes) {
    std::optional<Enum> found;
    std::string_view text;
    const bool is_text = value.get_string().get(text) == simdjson::SUCCESS;
    for (const auto& [word, meaning] : words) {
      if (is_text && word == text) found = meaning;
    }
    if (!found) {
      mistakes.push_back(
          {path, "must be " + expected + ", not " + (is_text ? shown(text) : std::string{kind_of(value)})});
    }
    return found;
  };
  type.show = [words](const Enum& value) {
    for (const auto& [word, meaning] : words) {
      if (meaning == value) return ordered_json(word);
    }
    return ordered_json(nullptr);
  };
  type.schema = {{"enum", list}};
  return type;
}

}  // namespace walgate::config
