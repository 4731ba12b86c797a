// value_types.cpp - see the header.

#include "config/value_types.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

#include "config/conninfo.hpp"
#include "config/reading.hpp"

namespace walgate::config {
namespace {

struct Unit {
  std::string_view text;
  std::uint64_t size;
};
// guc.c: memory_unit_conversion_table, in bytes
constexpr auto byte_units = std::to_array<Unit>({
    {"TB", std::uint64_t{1} << 40},
    {"GB", std::uint64_t{1} << 30},
    {"MB", std::uint64_t{1} << 20},
    {"kB", std::uint64_t{1} << 10},
    {"B", 1},
});
// guc.c: time_unit_conversion_table, in milliseconds
constexpr auto time_units = std::to_array<Unit>({
    {"d", 24 * 3'600'000},
    {"h", 3'600'000},
    {"min", 60'000},
    {"s", 1000},
    {"ms", 1},
});

std::optional<std::string> read_catalog_name(const Element& value, const std::string& path, Mistakes& mistakes) {
  auto text = read_text(value, path, mistakes);
  if (!text || !is_catalog_name(*text, path, mistakes)) return std::nullopt;
  return text;
}

std::optional<NamePattern> read_pattern(const Element& value, const std::string& path, Mistakes& mistakes) {
  const auto text = read_text(value, path, mistakes);
  if (!text) return std::nullopt;
  std::string reason;
  auto pattern = NamePattern::parse(*text, reason);
  if (!pattern) add(mistakes, path, fmt::format("{} is no table name or pattern: {}", shown(*text), reason));
  return pattern;
}

std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{}) return std::nullopt;
  std::string_view rest{stop, static_cast<std::size_t>(end - stop)};
  while (rest.starts_with(' ')) rest.remove_prefix(1);  // "8 MB", as PostgreSQL allows
  const auto unit = std::ranges::find(units, rest, &Unit::text);
  if (unit == units.end() || number > std::numeric_limits<std::uint64_t>::max() / unit->size) return std::nullopt;
  return number * unit->size;
}

// "host:port"; an IPv6 address stands in brackets.
std::optional<Config::Http> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find_first_of(":[]") != std::string_view::npos) {
    return std::nullopt;
  }
  constexpr std::string_view host_signs = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%";
  if (host.empty() || host.find_first_not_of(host_signs) != std::string_view::npos) return std::nullopt;
  std::uint16_t port = 0;
  const auto [stop, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc{} || stop != port_text.data() + port_text.size() || port == 0) return std::nullopt;
  return Config::Http{std::string{host}, port};
}

}  // namespace

std::string_view kind_of(const Element& value) {
  switch (value.type()) {
    case simdjson::dom::element_type::ARRAY:
      return "an array";
    case simdjson::dom::element_type::OBJECT:
      return "an object";
    case simdjson::dom::element_type::INT64:
    case simdjson::dom::element_type::UINT64:
      return "an integer";
    case simdjson::dom::element_type::DOUBLE:
      return "a number with a fraction";
    case simdjson::dom::element_type::STRING:
      return "a string";
    case simdjson::dom::element_type::BOOL:
      return value.get_bool().value_unsafe() ? "true" : "false";
    case simdjson::dom::element_type::NULL_VALUE:
      return "null";
    default:  // newer versions of simdjson have kinds that a parser returns only when asked to
      return "something else";
  }
}

std::string shown(std::string_view text) {
  constexpr std::size_t most = 80;
  std::size_t end = std::min(text.size(), most);
  // not in the middle of a character
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  std::string out = ordered_json(text.substr(0, end)).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  if (end < text.size()) out.insert(out.size() - 1, "...");
  return out;
}

std::string member_path(const std::string& path, std::string_view name) {
  const bool plain = !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
  });
  if (!plain) return path + '[' + shown(name) + ']';
  return path.empty() ? std::string{name} : path + '.' + std::string{name};
}

namespace {

std::string text_with_unit(std::uint64_t number, std::span<const Unit> units, std::string_view zero) {
  const auto unit =
      std::ranges::find_if(units, [&](const Unit& u) { return number >= u.size && number % u.size == 0; });
  return unit == units.end() ? std::string{zero} : fmt::format("{}{}", number / unit->size, unit->text);
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_with_unit(text, byte_units);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto number = parse_with_unit(text, time_units);
  constexpr std::uint64_t most = std::uint64_t{1000} * 365 * 24 * 3600 * 1000;
  if (!number || *number > most) return std::nullopt;
  return std::chrono::milliseconds{static_cast<std::int64_t>(*number)};
}

std::string size_text(std::uint64_t bytes) {
  return text_with_unit(bytes, byte_units, "0B");
}

std::string duration_text(std::chrono::milliseconds time) {
  return text_with_unit(static_cast<std::uint64_t>(time.count()), time_units, "0s");
}

ValueType<std::string> plain_name(std::size_t most) {
  ValueType<std::string> type;
  type.name = "name";
  type.read = [most](const Element& value, const std::string& path, Mistakes& mistakes) -> std::optional<std::string> {
    auto text = read_text(value, path, mistakes);
    if (!text) return std::nullopt;
    const bool good = !text->empty() && text->size() <= most && std::ranges::all_of(*text, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (!good) {
      add(mistakes, path,
          fmt::format("must be 1 to {} small letters, digits and underscores, not {}", most, shown(*text)));
      return std::nullopt;
    }
    return text;
  };
  type.show = [](const std::string& value) { return ordered_json(value); };
  type.schema = {{"type", "string"}, {"pattern", fmt::format("^[a-z0-9_]{{1,{}}}$", most)}};
  return type;
}

ValueType<std::string> conninfo() {
  ValueType<std::string> type;
  type.name = "connection string";
  type.read = [](const Element& value, const std::string& path, Mistakes& mistakes) -> std::optional<std::string> {
    auto text = read_text(value, path, mistakes);
    if (!text) return std::nullopt;
    if (const auto mistake = mistake_in_conninfo(*text)) {
      add(mistakes, path, fmt::format("is no connection string of libpq: {}", *mistake));
      return std::nullopt;
    }
    return text;
  };
  type.show = [](const std::string& value) { return ordered_json(masked_conninfo(value)); };
  type.schema = {{"type", "string"}};
  return type;
}

ValueType<std::optional<std::string>> conninfo_or_null() {
  ValueType<std::optional<std::string>> type;
  type.name = "connection string, null";
  type.read = [](const Element& value, const std::string& path,
                 Mistakes& mistakes) -> std::optional<std::optional<std::string>> {
    if (value.is_null()) return std::optional<std::string>{};
    auto text = conninfo().read(value, path, mistakes);
    if (!text) return std::nullopt;
    return text;
  };
  type.show = [](const std::optional<std::string>& value) {
    return value ? ordered_json(masked_conninfo(*value)) : ordered_json(nullptr);
  };
  type.schema = {{"type", {"string", "null"}}};
  return type;
}

ValueType<std::string> path_or_null() {
  ValueType<std::string> type;
  type.name = "path, null";
  type.read = [](const Element& value, const std::string& path, Mistakes& mistakes) -> std::optional<std::string> {
    if (value.is_null()) return std::string{};
    auto text = read_text(value, path, mistakes);
    if (text && text->empty()) {
      add(mistakes, path, "must not be empty");
      return std::nullopt;
    }
    return text;
  };
  type.show = [](const std::string& value) { return value.empty() ? ordered_json(nullptr) : ordered_json(value); };
  type.schema = {{"type", {"string", "null"}}, {"minLength", 1}};
  return type;
}

ValueType<std::vector<std::string>> names(std::size_t least) {
  using Names = std::vector<std::string>;
  ValueType<Names> type;
  type.name = "array of names";
  type.read = [least](const Element& value, const std::string& path, Mistakes& mistakes) -> std::optional<Names> {
    simdjson::dom::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) {
      add(mistakes, path, fmt::format("must be an array of strings, not {}", kind_of(value)));
      return std::nullopt;
    }
    Names read;
    const std::size_t before = mistakes.size();
    std::size_t index = 0;
    for (const Element element : array) {
      const std::string at = fmt::format("{}[{}]", path, index++);
      auto name = read_catalog_name(element, at, mistakes);
      if (!name) continue;
      if (std::ranges::find(read, *name) != read.end()) {
        add(mistakes, at, fmt::format("{} is given twice", shown(*name)));
      } else {
        read.push_back(std::move(*name));
      }
    }
    if (index < least) add(mistakes, path, "must hold at least one name");
    if (mistakes.size() > before) return std::nullopt;
    return read;
  };
  type.show = [](const Names& value) { return ordered_json(value); };
  type.schema = {
      {"type", "array"}, {"items", {{"type", "string"}, {"minLength", 1}}}, {"minItems", least}, {"uniqueItems", true}};
  return type;
}

ValueType<std::uint64_t> count(std::uint64_t least, std::uint64_t most) {
  ValueType<std::uint64_t> type;
  type.name = fmt::format("integer, {} to {}", least, most);
  type.read = [least, most](const Element& value, const std::string& path,
                            Mistakes& mistakes) -> std::optional<std::uint64_t> {
    std::uint64_t number = 0;
    const auto error = value.get_uint64().get(number);
    if (error == simdjson::INCORRECT_TYPE && !value.is_int64()) {
      add(mistakes, path, fmt::format("must be an integer, not {}", kind_of(value)));
      return std::nullopt;
    }
    if (error != simdjson::SUCCESS || number < least || number > most) {
      add(mistakes, path, fmt::format("must be between {} and {}", least, most));
      return std::nullopt;
    }
    return number;
  };
  type.show = [](const std::uint64_t& value) { return ordered_json(value); };
  type.schema = {{"type", "integer"}, {"minimum", least}, {"maximum", most}};
  return type;
}

ValueType<std::uint64_t> size(std::uint64_t least, std::uint64_t most) {
  ValueType<std::uint64_t> type;
  type.name = fmt::format("size, {} to {}", size_text(least), size_text(most));
  type.read = [least, most](const Element& value, const std::string& path,
                            Mistakes& mistakes) -> std::optional<std::uint64_t> {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) {
      add(mistakes, path, fmt::format("must be a string such as \"8MB\", not {}", kind_of(value)));
      return std::nullopt;
    }
    const auto bytes = parse_with_unit(text, byte_units);
    if (!bytes) {
      add(mistakes, path,
          fmt::format("must be a whole number and a unit (B, kB, MB, GB or TB), such as \"8MB\", not {}", shown(text)));
      return std::nullopt;
    }
    if (*bytes < least || *bytes > most) {
      add(mistakes, path,
          fmt::format("must be between {} and {}, not {}", size_text(least), size_text(most), shown(text)));
      return std::nullopt;
    }
    return bytes;
  };
  type.show = [](const std::uint64_t& value) { return ordered_json(size_text(value)); };
  type.schema = {{"type", "string"}, {"pattern", "^[0-9]+ *(B|kB|MB|GB|TB)$"}};
  return type;
}

ValueType<bool> boolean() {
  ValueType<bool> type;
  type.name = "boolean";
  type.read = [](const Element& value, const std::string& path, Mistakes& mistakes) -> std::optional<bool> {
    bool truth = false;
    if (value.get_bool().get(truth) == simdjson::SUCCESS) return truth;
    add(mistakes, path, fmt::format("must be true or false, not {}", kind_of(value)));
    return std::nullopt;
  };
  type.show = [](const bool& value) { return ordered_json(value); };
  type.schema = {{"type", "boolean"}};
  return type;
}

ValueType<std::chrono::milliseconds> duration(std::chrono::milliseconds least, std::chrono::milliseconds most) {
  ValueType<std::chrono::milliseconds> type;
  type.name = "time";
  type.read = [least, most](const Element& value, const std::string& path,
                            Mistakes& mistakes) -> std::optional<std::chrono::milliseconds> {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) {
      add(mistakes, path, fmt::format("must be a string such as \"10s\", not {}", kind_of(value)));
      return std::nullopt;
    }
    const auto number = parse_with_unit(text, time_units);
    if (!number) {
      add(mistakes, path,
          fmt::format("must be a whole number and a unit (ms, s, min, h or d), such as \"10s\", not {}", shown(text)));
      return std::nullopt;
    }
    if (*number < static_cast<std::uint64_t>(least.count()) || *number > static_cast<std::uint64_t>(most.count())) {
      add(mistakes, path,
          fmt::format("must be between {} and {}, not {}", duration_text(least), duration_text(most), shown(text)));
      return std::nullopt;
    }
    return std::chrono::milliseconds{*number};
  };
  type.show = [](const std::chrono::milliseconds& value) { return ordered_json(duration_text(value)); };
  type.schema = {{"type", "string"}, {"pattern", "^[0-9]+ *(ms|s|min|h|d)$"}};
  return type;
}

ValueType<Config::Http> listen_address() {
  ValueType<Config::Http> type;
  type.name = "address, null";
  type.read = [](const Element& value, const std::string& path, Mistakes& mistakes) -> std::optional<Config::Http> {
    if (value.is_null()) return Config::Http{};
    const auto text = read_text(value, path, mistakes);
    if (!text) return std::nullopt;
    auto address = parse_address(*text);
    if (!address) {
      add(mistakes, path,
          fmt::format(
              "must be host:port with a port between 1 and 65535, such as \"127.0.0.1:8432\" or \"[::1]:8432\", "
              "or null, not {}",
              shown(*text)));
    }
    return address;
  };
  type.show = [](const Config::Http& value) {
    if (value.host.empty()) return ordered_json(nullptr);
    const bool six = value.host.find(':') != std::string::npos;
    return ordered_json(six ? fmt::format("[{}]:{}", value.host, value.port)
                            : fmt::format("{}:{}", value.host, value.port));
  };
  type.schema = {{"type", {"string", "null"}}, {"pattern", "^.+:[0-9]{1,5}$"}};
  return type;
}

ValueType<NamePattern> pattern() {
  ValueType<NamePattern> type;
  type.name = "pattern";
  type.read = read_pattern;
  type.show = [](const NamePattern& value) { return ordered_json(value.text()); };
  type.schema = {{"type", "string"}, {"minLength", 3}};
  return type;
}

ValueType<std::optional<NamePattern>> pattern_or_null() {
  ValueType<std::optional<NamePattern>> type;
  type.name = "pattern, null";
  type.read = [](const Element& value, const std::string& path,
                 Mistakes& mistakes) -> std::optional<std::optional<NamePattern>> {
    if (value.is_null()) return std::optional<NamePattern>{};
    auto pattern = read_pattern(value, path, mistakes);
    if (!pattern) return std::nullopt;
    return pattern;
  };
  type.show = [](const std::optional<NamePattern>& value) {
    return value ? ordered_json(value->text()) : ordered_json(nullptr);
  };
  type.schema = {{"type", {"string", "null"}}, {"minLength", 3}};
  return type;
}

ValueType<ColumnMap> column_map() {
  ValueType<ColumnMap> type;
  type.name = "object: column → column or null";
  type.read = [](const Element& value, const std::string& path, Mistakes& mistakes) -> std::optional<ColumnMap> {
    ColumnMap map;
    std::map<std::string, std::string> source_of;  // target → source
    const bool good = read_members(
        value, path, mistakes, is_catalog_name,
        [&](const std::string& source, const Element& element, const std::string& member) {
          if (element.is_null()) {
            map.emplace(source, std::nullopt);
            return true;
          }
          if (!element.is_string()) {
            add(mistakes, member, fmt::format("must be a string or null, not {}", kind_of(element)));
            return false;
          }
          auto target = read_catalog_name(element, member, mistakes);
          if (!target) return false;
          const auto [other, fresh] = source_of.emplace(*target, source);
          if (!fresh) {
            add(mistakes, member,
                fmt::format("{} is the target of column {} already", shown(*target), shown(other->second)));
            return false;
          }
          map.emplace(source, std::move(target));
          return true;
        });
    if (!good) return std::nullopt;
    return map;
  };
  type.show = [](const ColumnMap& value) {
    ordered_json object = ordered_json::object();
    for (const auto& [source, target] : value) object[source] = target ? ordered_json(*target) : ordered_json(nullptr);
    return object;
  };
  type.schema = {{"type", "object"}, {"additionalProperties", {{"type", {"string", "null"}}, {"minLength", 1}}}};
  return type;
}

ValueType<CastMap> cast_map() {
  ValueType<CastMap> type;
  type.name = "object: column → SQL type";
  type.read = [](const Element& value, const std::string& path, Mistakes& mistakes) -> std::optional<CastMap> {
    CastMap map;
    const bool good = read_members(value, path, mistakes, is_catalog_name,
                                   [&](const std::string& column, const Element& element, const std::string& member) {
                                     auto sql_type = read_text(element, member, mistakes);
                                     if (!sql_type) return false;
                                     if (sql_type->find_first_not_of(" \t\r\n") == std::string::npos) {
                                       add(mistakes, member, "must not be empty");
                                       return false;
                                     }
                                     map.emplace(column, std::move(*sql_type));
                                     return true;
                                   });
    if (!good) return std::nullopt;
    return map;
  };
  type.show = [](const CastMap& value) { return ordered_json(value); };
  type.schema = {{"type", "object"}, {"additionalProperties", {{"type", "string"}, {"minLength", 1}}}};
  return type;
}

}  // namespace walgate::config
