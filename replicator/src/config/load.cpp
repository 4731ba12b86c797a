// load.cpp - walks a file along the table of keys, then checks what concerns several keys at once.

#include "config/load.hpp"

#include <simdjson.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "config/file_text.hpp"
#include "config/schema.hpp"

namespace walgate {
namespace {

using config::Draft;
using config::Element;
using config::Key;

constexpr std::size_t largest_file_bytes = 16UL * 1024 * 1024;
constexpr std::size_t longest_mirrored_slot = 63 - std::string_view{"_mirror"}.size();

// Edit distance, for suggestions.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// The known key that was perhaps meant: one of the same section that is written alike, or one of another section with
// the same last part.
std::string suggestion(std::string_view name, std::string_view prefix) {
  constexpr std::size_t longest_key = 40;
  if (name.size() > longest_key) return {};
  const Key* nearest = nullptr;
  std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const Key* key : config::keys_under(prefix)) {
    const std::size_t steps = distance(name, config::leaf_of(*key));
    if (steps < least) {
      least = steps;
      nearest = key;
    }
  }
  if (nearest != nullptr) return fmt::format("; did you mean \"{}\"?", config::leaf_of(*nearest));
  for (const Key& key : config::keys()) {
    if (config::leaf_of(key) == name) return fmt::format("; did you mean {}?", key.path);
  }
  return {};
}

// Reads one object whose keys stand under `prefix` in the table; `at` is its path in the file.
class Walk {
 public:
  Walk(const Element& root, Mistakes& mistakes) : root_{root}, mistakes_{mistakes} {}

  void all(Draft& draft) { object(root_, "", "", draft); }

 private:
  void object(const std::optional<Element>& element, std::string_view prefix, const std::string& at, Draft& draft) {
    simdjson::dom::object members;
    const bool given = element.has_value();
    if (given && element->get_object().get(members) != simdjson::SUCCESS) {
      add(at, fmt::format("{}must be an object, not {}", at.empty() ? "the file " : "", config::kind_of(*element)));
      return;
    }
    const std::vector<const Key*> known = config::keys_under(prefix);
    if (given) names(members, known, prefix, at);
    for (const Key* key : known) {
      std::optional<Element> value;
      // The first of two wins; that there are two has been reported.
      if (given) {
        for (const auto& [name, member] : members) {
          if (name == config::leaf_of(*key) && !value) value = member;
        }
      }
      one(*key, value, config::member_path(at, config::leaf_of(*key)), draft);
    }
  }

  void add(const std::string& path, std::string text) { mistakes_.push_back({path, std::move(text)}); }

  void names(const simdjson::dom::object& members, const std::vector<const Key*>& known, std::string_view prefix,
             const std::string& at) {
    std::set<std::string_view> seen;
    for (const auto& [name, member] : members) {
      const std::string path = config::member_path(at, name);
      if (!seen.insert(name).second) {
        add(path, "is given twice");
      } else if (std::ranges::none_of(known, [&](const Key* key) { return config::leaf_of(*key) == name; })) {
        add(path, "unknown key" + suggestion(name, prefix));
      }
    }
  }

  void one(const Key& key, const std::optional<Element>& value, const std::string& path, Draft& draft) {
    if (key.list) {
      if (value) list(key, *value, path, draft);
    } else if (key.is_section()) {
      if (key.is_on && !is_there(value)) {
        defaults(config::prefix_of(key), draft);
      } else {
        object(value, config::prefix_of(key), path, draft);
      }
    } else if (key.unless.empty() ? value.has_value() : is_there(value)) {
      key.read(*value, path, mistakes_, draft);
    } else {
      if (key.required && (key.unless.empty() || !is_given(key.unless))) add(path, std::string{key.missing});
      if (key.set_default) key.set_default(draft);
    }
  }

  static bool is_there(const std::optional<Element>& value) { return value && !value->is_null(); }

  [[nodiscard]] bool is_given(std::string_view section) const {
    Element value;
    return root_.at_key(section).get(value) == simdjson::SUCCESS && !value.is_null();
  }

  static void defaults(std::string_view prefix, Draft& draft) {
    for (const Key* key : config::keys_under(prefix)) {
      if (key->set_default) key->set_default(draft);
    }
  }

  void list(const Key& key, const Element& value, const std::string& path, Draft& draft) {
    simdjson::dom::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) {
      add(path, fmt::format("must be an array of objects, not {}", config::kind_of(value)));
      return;
    }
    std::size_t index = 0;
    for (const Element element : array) {
      TableRule rule;
      rule.path = fmt::format("{}[{}]", path, index++);
      Draft inner{draft.config, &rule, draft.folder};
      object(element, config::prefix_of(key), rule.path, inner);
      draft.config.tables.push_back(std::move(rule));
    }
  }

  const Element& root_;
  Mistakes& mistakes_;
};

void check_rules(const std::vector<TableRule>& rules, Mistakes& mistakes) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const TableRule& rule = rules[i];
    if (rule.source.text().empty()) continue;  // already reported
    if (rule.target && !rule.target->text().empty() && !rule.target->can_fill_from(rule.source)) {
      mistakes.push_back(
          {rule.path + ".target", fmt::format("{} has a \"*\" in a part where the source {} has none",
                                              config::shown(rule.target->text()), config::shown(rule.source.text()))});
    }
    for (std::size_t earlier = 0; earlier < i; ++earlier) {
      if (rules[earlier].source.text().empty() || !rules[earlier].source.covers(rule.source)) continue;
      mistakes.push_back(
          {rule.path + ".source", fmt::format("{} can never match, because {} with {} comes first and takes all of it",
                                              config::shown(rule.source.text()), rules[earlier].path,
                                              config::shown(rules[earlier].source.text()))});
      break;
    }
  }
}

// What concerns keys of several sections.
void check_together(const Config& config, Mistakes& mistakes) {
  // Zero: one of the two has a mistake of its own.
  if (config.limits.queue_bytes != 0 && config.limits.queue_bytes < config.limits.batch_bytes) {
    mistakes.push_back({"limits.queue_bytes", fmt::format("{} is less than limits.batch_bytes, {}",
                                                          config::size_text(config.limits.queue_bytes),
                                                          config::size_text(config.limits.batch_bytes))});
  }
  if (!config.kafka.is_on()) return;
  if (config.source.slot.size() > longest_mirrored_slot) {
    mistakes.push_back({"source.slot", fmt::format("{} has {} characters, and with kafka it may have at most {}: the "
                                                   "mirror's own slot has the same name and \"_mirror\"",
                                                   config::shown(config.source.slot), config.source.slot.size(),
                                                   longest_mirrored_slot)});
  }
  if (!config.has_target() && !config.migrations.directory.empty()) {
    mistakes.push_back({"migrations.directory", "there is no target.conninfo, and so nothing to migrate"});
  }
}

// The text "…; last read: '…'; expected …" without its middle, which quotes the file and so perhaps a password.
std::string without_quotation(std::string text) {
  const std::size_t from = text.find("; last read: '");
  if (from == std::string::npos) return text;
  const std::size_t expected = text.rfind("; expected ");
  const bool goes_on = expected != std::string::npos && expected > from;
  return text.erase(from, goes_on ? expected - from : std::string::npos);
}

// simdjson does not tell where a syntax error is; nlohmann does.
Mistake syntax_mistake(std::string_view text, simdjson::error_code error) {
  try {
    const auto ignored = nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& located) {
    const std::string_view before = text.substr(0, located.byte == 0 ? 0 : located.byte - 1);
    const std::size_t last_break = before.rfind('\n');
    const std::size_t line_start = last_break == std::string_view::npos ? 0 : last_break + 1;
    std::string what = located.what();
    if (const std::size_t dash = what.find(" - "); dash != std::string::npos) what.erase(0, dash + 3);
    return {fmt::format("line {}, column {}", std::ranges::count(before, '\n') + 1, before.size() - line_start + 1),
            "this is not valid JSON: " + without_quotation(std::move(what))};
  } catch (const nlohmann::json::exception&) {
    // it has no place to tell
  }
  return {"", std::string{"this is not valid JSON: "} + simdjson::error_message(error)};
}

}  // namespace

LoadedConfig parse_config(std::string_view text, const std::filesystem::path& folder) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return Mistakes{{"", "the file is empty"}};

  simdjson::dom::parser parser;
  Element root;
  const simdjson::padded_string padded{text};
  if (const auto error = parser.parse(padded).get(root); error != simdjson::SUCCESS) {
    return Mistakes{syntax_mistake(text, error)};
  }
  Config config{};
  Mistakes mistakes;
  Draft draft{config, nullptr, folder};
  Walk{root, mistakes}.all(draft);
  check_rules(config.tables, mistakes);
  check_together(config, mistakes);
  if (!mistakes.empty()) return mistakes;
  return config;
}

LoadedConfig load_config(const std::string& file) {
  std::string mistake;
  const auto text = config::file_text(file, largest_file_bytes, "16 MB", mistake);
  if (!text) return Mistakes{{"", mistake}};
  const auto folder = std::filesystem::path{file}.parent_path();
  auto loaded = parse_config(*text, folder);
  if (auto* config = std::get_if<Config>(&loaded); config != nullptr && !config->migrations.directory.empty()) {
    config->migrations.directory = (folder / config->migrations.directory).lexically_normal().string();
  }
  return loaded;
}

}  // namespace walgate
