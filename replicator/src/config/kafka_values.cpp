// kafka_values.cpp - see the header.

#include "config/kafka_values.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "config/file_text.hpp"
#include "config/reading.hpp"
#include "config/secret_property.hpp"
#include "config/topic_pattern.hpp"

namespace walgate::config {
namespace {

constexpr std::size_t largest_value_bytes = 1024UL * 1024;  // of one that a file holds: a chain of certificates

/// Librdkafka's two names of the same property, the first of which is the one to use.
constexpr auto names_of_brokers = std::to_array<std::string_view>({"bootstrap.servers", "metadata.broker.list"});

bool is_property_name(std::string_view name, const std::string& path, Mistakes& mistakes) {
  if (!name.empty() && name.find('\0') == std::string_view::npos) return true;
  add(mistakes, path, "is no name of a property");
  return false;
}

// What Java's and librdkafka's property files would hold for the value; nullopt for an array, an object and null.
std::optional<std::string> plain_text(const Element& value) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) return std::string{text};
  if (bool truth = false; value.get_bool().get(truth) == simdjson::SUCCESS) return truth ? "true" : "false";
  if (std::int64_t number = 0; value.get_int64().get(number) == simdjson::SUCCESS) return std::to_string(number);
  if (std::uint64_t number = 0; value.get_uint64().get(number) == simdjson::SUCCESS) return std::to_string(number);
  if (double number = 0; value.get_double().get(number) == simdjson::SUCCESS) return fmt::format("{}", number);
  return std::nullopt;
}

std::optional<std::string> without_zeros(std::string text, const std::string& path, Mistakes& mistakes) {
  if (text.find('\0') == std::string::npos) return text;
  add(mistakes, path, "must not hold the character \\u0000");
  return std::nullopt;
}

std::optional<std::string> value_of_environment(const std::string& name, const std::string& path, Mistakes& mistakes) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing of ours sets variables
  if (value != nullptr && *value != '\0') return value;
  add(mistakes, path,
      fmt::format("the environment variable {} is {}", shown(name), value == nullptr ? "not set" : "empty"));
  return std::nullopt;
}

std::optional<std::string> value_of_file(const std::filesystem::path& file, const std::string& path,
                                         Mistakes& mistakes) {
  std::string mistake;
  auto text = file_text(file.string(), largest_value_bytes, "1 MB", mistake);
  if (!text) {
    add(mistakes, path, fmt::format("{}: {}", shown(file.string()), mistake));
    return std::nullopt;
  }
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->empty()) {
    add(mistakes, path, fmt::format("{}: the file is empty", shown(file.string())));
    return std::nullopt;
  }
  return without_zeros(std::move(*text), path, mistakes);
}

// {"env": "NAME"} or {"file": "path"}.
std::optional<std::string> value_elsewhere(const simdjson::dom::object& place, const std::string& path,
                                           const std::filesystem::path& folder, Mistakes& mistakes) {
  const auto [name, target] = *place.begin();
  if (name == "env" || name == "file") {
    const std::string member = member_path(path, name);
    const auto text = read_text(target, member, mistakes);
    if (!text) return std::nullopt;
    if (text->empty()) {
      add(mistakes, member, "must not be empty");
      return std::nullopt;
    }
    return name == "env" ? value_of_environment(*text, member, mistakes)
                         : value_of_file((folder / *text).lexically_normal(), member, mistakes);
  }
  add(mistakes, member_path(path, name), R"(must be "env" or "file")");
  return std::nullopt;
}

std::optional<std::string> property(const Element& value, const std::string& path, const std::filesystem::path& folder,
                                    Mistakes& mistakes) {
  if (auto text = plain_text(value)) return without_zeros(std::move(*text), path, mistakes);
  simdjson::dom::object place;
  if (value.get_object().get(place) == simdjson::SUCCESS && place.size() == 1) {
    return value_elsewhere(place, path, folder, mistakes);
  }
  add(mistakes, path,
      fmt::format(R"(must be a string, a number, true, false, {{"env": "NAME"}} or {{"file": "path"}}, not {})",
                  value.is_object() ? "another object" : kind_of(value)));
  return std::nullopt;
}

ordered_json schema_of_properties() {
  const auto place = [](std::string_view name) {
    return ordered_json{{"type", "object"},
                        {"additionalProperties", false},
                        {"required", {name}},
                        {"properties", {{name, {{"type", "string"}, {"minLength", 1}}}}}};
  };
  ordered_json one_of_the_names = ordered_json::array();
  for (const auto name : names_of_brokers) one_of_the_names.push_back({{"required", ordered_json::array({name})}});
  return {
      {"type", "object"},
      {"additionalProperties", {{"anyOf", {{{"type", {"string", "number", "boolean"}}}, place("env"), place("file")}}}},
      {"anyOf", one_of_the_names}};
}

}  // namespace

ValueType<Properties> properties(const std::filesystem::path& folder) {
  ValueType<Properties> type;
  type.name = "object: property of librdkafka → value";
  type.read = [folder](const Element& value, const std::string& path, Mistakes& mistakes) -> std::optional<Properties> {
    Properties map;
    bool has_brokers = false;
    const bool good = read_members(value, path, mistakes, is_property_name,
                                   [&](const std::string& name, const Element& element, const std::string& member) {
                                     const bool is_brokers =
                                         std::ranges::find(names_of_brokers, name) != names_of_brokers.end();
                                     has_brokers = has_brokers || is_brokers;
                                     auto text = property(element, member, folder, mistakes);
                                     if (!text) return false;
                                     if (is_brokers && text->empty()) {
                                       add(mistakes, member, "must not be empty");
                                       return false;
                                     }
                                     map.emplace(name, std::move(*text));
                                     return true;
                                   });
    if (value.is_object() && !has_brokers) {
      add(mistakes, path,
          fmt::format(R"("{0}" is missing: name the brokers, {{"{0}": "host:9092"}})", names_of_brokers[0]));
      return std::nullopt;
    }
    if (!good) return std::nullopt;
    return map;
  };
  type.show = [](const Properties& value) {
    ordered_json object = ordered_json::object();
    for (const auto& [name, text] : value) object[name] = is_secret_property(name) ? "***" : text;
    return object;
  };
  type.schema = schema_of_properties();
  return type;
}

ValueType<Settings> settings() {
  ValueType<Settings> type;
  type.name = "object: setting of a topic → value";
  type.read = [](const Element& value, const std::string& path, Mistakes& mistakes) -> std::optional<Settings> {
    Settings map;
    const bool good = read_members(
        value, path, mistakes, is_property_name,
        [&](const std::string& name, const Element& element, const std::string& member) {
          auto text = plain_text(element);
          if (!text) {
            add(mistakes, member, fmt::format("must be a string, a number, true or false, not {}", kind_of(element)));
            return false;
          }
          text = without_zeros(std::move(*text), member, mistakes);
          if (!text) return false;
          map.emplace(name, std::move(*text));
          return true;
        });
    if (!good) return std::nullopt;
    return map;
  };
  type.show = [](const Settings& value) { return ordered_json(value); };
  type.schema = {{"type", "object"}, {"additionalProperties", {{"type", {"string", "number", "boolean"}}}}};
  return type;
}

ValueType<std::string> topic_pattern() {
  ValueType<std::string> type;
  type.name = "pattern of topics";
  type.read = [](const Element& value, const std::string& path, Mistakes& mistakes) -> std::optional<std::string> {
    auto text = read_text(value, path, mistakes);
    if (!text) return std::nullopt;
    std::string reason;
    if (!TopicPattern::parse(*text, reason)) {
      add(mistakes, path, fmt::format("{} is no pattern of topics: {}", shown(*text), reason));
      return std::nullopt;
    }
    return text;
  };
  type.show = [](const std::string& value) { return ordered_json(value); };
  type.schema = {{"type", "string"}, {"pattern", R"(^([A-Za-z0-9._-]|\{(pipeline|schema|table)\})+$)"}};
  return type;
}

ValueType<std::optional<std::string>> topic_or_null() {
  using Topic = std::optional<std::string>;
  ValueType<Topic> type;
  type.name = "topic, null";
  type.read = [](const Element& value, const std::string& path, Mistakes& mistakes) -> std::optional<Topic> {
    if (value.is_null()) return Topic{};
    auto text = read_text(value, path, mistakes);
    if (!text) return std::nullopt;
    if (const auto problem = text->empty() ? std::nullopt : topic_name_problem(*text)) {
      add(mistakes, path, fmt::format("{} is no name of a topic: {}", shown(*text), *problem));
      return std::nullopt;
    }
    return text;
  };
  type.show = [](const Topic& value) { return value ? ordered_json(*value) : ordered_json(nullptr); };
  type.schema = {{"type", {"string", "null"}}, {"pattern", "^[A-Za-z0-9._-]{0,249}$"}};
  return type;
}

ValueType<std::string> text() {
  ValueType<std::string> type;
  type.name = "text";
  type.read = [](const Element& value, const std::string& path, Mistakes& mistakes) -> std::optional<std::string> {
    auto text = read_text(value, path, mistakes);
    if (text && text->empty()) {
      add(mistakes, path, "must not be empty");
      return std::nullopt;
    }
    return text;
  };
  type.show = [](const std::string& value) { return ordered_json(value); };
  type.schema = {{"type", "string"}, {"minLength", 1}};
  return type;
}

ValueType<std::optional<std::uint64_t>> count_or_null(std::uint64_t least, std::uint64_t most) {
  using Count = std::optional<std::uint64_t>;
  const auto number = count(least, most);
  ValueType<Count> type;
  type.name = number.name + ", null";
  type.read = [number](const Element& value, const std::string& path, Mistakes& mistakes) -> std::optional<Count> {
    if (value.is_null()) return Count{};
    const auto read = number.read(value, path, mistakes);
    if (!read) return std::nullopt;
    return read;
  };
  type.show = [](const Count& value) { return value ? ordered_json(*value) : ordered_json(nullptr); };
  type.schema = number.schema;
  type.schema["type"] = {"integer", "null"};
  return type;
}

}  // namespace walgate::config
