// topic_pattern.hpp - how topics may be called, and the pattern that calls them.
//
// A pattern such as "{pipeline}.{schema}.{table}" gives every table its topic; a pattern without {table} lets tables
// share one.  Kafka allows letters, digits, '.', '_' and '-' in a name, 249 characters at most.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/identifier.hpp"

namespace walgate {

/// What is wrong with a topic's name, or nullopt for one that Kafka takes.
[[nodiscard]] std::optional<std::string> topic_name_problem(std::string_view name);

class TopicPattern {
 public:
  /// Reads a pattern; nullopt and a reason in `error` for a word in braces that is not known, or a sign that no topic
  /// may have.
  [[nodiscard]] static std::optional<TopicPattern> parse(std::string_view text, std::string& error);

  /// The name for one table.  It may be one that Kafka refuses.
  [[nodiscard]] std::string name_for(std::string_view pipeline, const QualifiedName& table) const;
  /// Is each table meant to have a topic of its own?
  [[nodiscard]] bool is_per_table() const noexcept { return per_table_; }

 private:
  enum class Word { literal, pipeline, schema, table };
  struct Part {
    Word word;
    std::string literal;
  };
  std::vector<Part> parts_;
  bool per_table_ = false;
};

}  // namespace walgate
