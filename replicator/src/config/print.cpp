// print.cpp - see the header.

#include "config/print.hpp"

#include <spdlog/fmt/fmt.h>

#include "config/schema.hpp"
#include "observe/failure_json.hpp"

namespace walgate {
namespace {

using config::Draft;
using config::Key;
using config::ordered_json;

ordered_json values_under(std::string_view prefix, Draft& draft) {
  ordered_json object = ordered_json::object();
  for (const Key* key : config::keys_under(prefix)) {
    ordered_json& value = object[std::string{config::leaf_of(*key)}];
    if (key->list) {
      value = ordered_json::array();
      for (TableRule& rule : draft.config.tables) {
        Draft inner{draft.config, &rule};
        value.push_back(values_under(config::prefix_of(*key), inner));
      }
    } else if (key->is_on && !key->is_on(draft.config)) {
      value = nullptr;
    } else {
      value = key->is_section() ? values_under(config::prefix_of(*key), draft) : key->show(draft);
    }
  }
  return object;
}

ordered_json schema_under(std::string_view prefix) {
  ordered_json schema = {{"type", "object"}, {"additionalProperties", false}};
  ordered_json required = ordered_json::array();
  ordered_json properties = ordered_json::object();
  for (const Key* key : config::keys_under(prefix)) {
    ordered_json one;
    bool needed = key->required && key->unless.empty();
    if (key->is_section()) {
      ordered_json inner = schema_under(config::prefix_of(*key));
      needed = !key->list && !key->is_on && inner.contains("required");
      if (key->is_on) inner["type"] = {"object", "null"};
      one = key->list ? ordered_json{{"type", "array"}, {"items", inner}, {"default", ordered_json::array()}} : inner;
    } else {
      one = key->schema;
    }
    one["description"] = key->meaning;
    properties[std::string{config::leaf_of(*key)}] = one;
    if (needed) required.push_back(config::leaf_of(*key));
  }
  if (!required.empty()) schema["required"] = required;
  schema["properties"] = properties;
  return schema;
}

// Either the key, which is one of a section, or the section that makes it needless.
ordered_json one_or_the_other(const Key& key) {
  const std::string section{std::string_view{key.path}.substr(0, key.path.find('.'))};
  const std::string leaf{config::leaf_of(key)};
  const auto with = [](const std::string& name, const ordered_json& schema) {
    return ordered_json{{"required", ordered_json::array({name})}, {"properties", {{name, schema}}}};
  };
  return ordered_json::array(
      {with(section, with(leaf, {{"type", "string"}})), with(std::string{key.unless}, {{"type", "object"}})});
}

}  // namespace

std::string config_json(const Config& config, bool indented) {
  Config copy = config;
  Draft draft{copy};
  const ordered_json json = values_under("", draft);
  return indented ? json.dump(2) : dump(json);
}

std::string config_reference() {
  std::string out = "| key | type | default | meaning |\n|---|---|---|---|\n";
  for (const Key& key : config::keys()) {
    if (key.is_section() && !key.list) continue;  // its keys tell it all
    out += fmt::format("| `{}` | {} | {} | {} |\n", key.path, key.type,
                       key.required && key.standard.empty() ? "required" : key.standard, key.meaning);
  }
  return out;
}

std::string config_schema() {
  ordered_json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                         {"title", "configuration of a walgate pipeline"}};
  schema.update(schema_under(""));
  for (const Key& key : config::keys()) {
    if (!key.unless.empty()) schema["anyOf"] = one_or_the_other(key);  // there is only one such key
  }
  return schema.dump(2);
}

}  // namespace walgate
