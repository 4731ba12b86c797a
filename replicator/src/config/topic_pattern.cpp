// topic_pattern.cpp - see the header.  Source: Kafka's org.apache.kafka.common.internals.Topic.

#include "config/topic_pattern.hpp"

#include <spdlog/fmt/fmt.h>

namespace walgate {

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

}  // namespace walgate
