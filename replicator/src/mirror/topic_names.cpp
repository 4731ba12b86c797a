#include "mirror/topic_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace walgate::mirror {

namespace {

constexpr std::size_t longest_name = 249;

bool is_legal(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/// The first character that no topic may have, whole even where it takes several bytes of UTF-8.
std::optional<std::string_view> first_illegal(std::string_view name) {
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (is_legal(name[at])) continue;
    auto end = at + 1;
    while (end < name.size() && (static_cast<unsigned char>(name[end]) & 0xC0u) == 0x80u) ++end;
    return name.substr(at, end - at);
  }
  return std::nullopt;
}

/// What Kafka's metrics make of a name: two topics must not share it.
std::string metric_name(std::string name) {
  std::ranges::replace(name, '.', '_');
  return name;
}

}  // namespace

std::optional<std::string> topic_name_problem(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name == "." || name == "..") return "Kafka does not allow the names \".\" and \"..\"";
  if (const auto illegal = first_illegal(name)) {
    return fmt::format("it has \"{}\", and Kafka allows only letters, digits, \".\", \"_\" and \"-\"", *illegal);
  }
  if (name.size() > longest_name)
    return fmt::format("it has {} characters, and Kafka allows {}", name.size(), longest_name);
  return std::nullopt;
}

std::optional<TopicPattern> TopicPattern::parse(std::string_view text, std::string& error) {
  TopicPattern pattern;
  for (auto rest = text; !rest.empty();) {
    if (rest.front() == '{') {
      const auto end = rest.find('}');
      const auto word = rest.substr(1, end == std::string_view::npos ? end : end - 1);
      if (end == std::string_view::npos) {
        error = "a brace is not closed";
        return std::nullopt;
      }
      if (word == "pipeline") {
        pattern.parts_.push_back({Word::pipeline, {}});
      } else if (word == "schema") {
        pattern.parts_.push_back({Word::schema, {}});
      } else if (word == "table") {
        pattern.parts_.push_back({Word::table, {}});
        pattern.per_table_ = true;
      } else {
        error = fmt::format("\"{{{}}}\" is not known; there are {{pipeline}}, {{schema}} and {{table}}", word);
        return std::nullopt;
      }
      rest.remove_prefix(end + 1);
    } else {
      const auto literal = rest.substr(0, rest.find('{'));
      if (const auto illegal = first_illegal(literal)) {
        error = fmt::format("\"{}\" cannot be in a topic's name", *illegal);
        return std::nullopt;
      }
      pattern.parts_.push_back({Word::literal, std::string{literal}});
      rest.remove_prefix(literal.size());
    }
  }
  if (pattern.parts_.empty()) {
    error = "it is empty";
    return std::nullopt;
  }
  return pattern;
}

std::string TopicPattern::name_for(std::string_view pipeline, const QualifiedName& table) const {
  std::string name;
  for (const auto& part : parts_) {
    switch (part.word) {
      case Word::literal:
        name += part.literal;
        break;
      case Word::pipeline:
        name += pipeline;
        break;
      case Word::schema:
        name += table.schema;
        break;
      case Word::table:
        name += table.name;
        break;
    }
  }
  return name;
}

TopicNames topic_names(const TopicPattern& pattern, std::string_view pipeline, std::span<const TopicRequest> tables,
                       std::span<const std::string> reserved) {
  /// Who has taken a name, by its metric name.
  struct Owner {
    std::string topic;
    const TopicRequest* request;  ///< null: reserved
  };
  std::map<std::string, Owner> owners;
  for (const auto& name : reserved) owners.emplace(metric_name(name), Owner{name, nullptr});

  TopicNames result;
  for (const auto& request : tables) {
    auto name = request.topic ? *request.topic : pattern.name_for(pipeline, request.table);
    const auto mistake = [&](const std::string& why) {
      result.mistakes.push_back(
          fmt::format("table {} cannot have the topic \"{}\": {}; give the table a topic of another name",
                      request.table.display(), name, why));
    };
    if (const auto problem = topic_name_problem(name)) {
      mistake(*problem);
    } else if (const auto [found, is_new] = owners.emplace(metric_name(name), Owner{name, &request}); !is_new) {
      const auto& [topic, other] = found->second;
      // Tables share a topic only where that was asked for: by the pattern, or by naming it for both.
      const auto is_asked_for = [&](const TopicRequest& one) {
        return one.topic.has_value() || !pattern.is_per_table();
      };
      if (other == nullptr) {
        mistake(topic == name
                    ? "the mirror uses it itself"
                    : fmt::format("the mirror uses \"{}\" itself, and Kafka cannot tell the two apart", topic));
      } else if (topic != name) {
        mistake(fmt::format("table {} has \"{}\", and Kafka cannot tell the two apart", other->table.display(), topic));
      } else if (!is_asked_for(request) || !is_asked_for(*other)) {
        mistake(fmt::format("table {} has it", other->table.display()));
      }
    }
    result.names.push_back(std::move(name));
  }
  return result;
}

}  // namespace walgate::mirror
