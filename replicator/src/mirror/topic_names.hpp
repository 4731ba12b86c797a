// topic_names.hpp - the topic of each table.
//
// A pattern such as "{pipeline}.{schema}.{table}" gives every table its topic; a pattern without {table} lets tables
// share one.  Kafka allows letters, digits, '.', '_' and '-' in a name, 249 characters at most, and refuses two names
// that differ only in '.' against '_', because its metrics cannot tell them apart.  What does not fit is a mistake that
// a person has to solve: a name that we changed in silence could collide with another one, or be looked for in vain.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/identifier.hpp"

namespace walgate::mirror {

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

/// A table and, where the configuration names one, the topic of its own.
struct TopicRequest {
  QualifiedName table;
  std::optional<std::string> topic{};
};

/// The topics of tables, in their order, or what stands against them; `mistakes` is empty when `names` may be used.
struct TopicNames {
  std::vector<std::string> names;
  std::vector<std::string> mistakes;  ///< sentences with the table's name and what to do
};

/// Gives each table its topic.  `reserved` are topics of ours that no table may take (progress, transactions).
[[nodiscard]] TopicNames topic_names(const TopicPattern& pattern, std::string_view pipeline,
                                     std::span<const TopicRequest> tables, std::span<const std::string> reserved);

}  // namespace walgate::mirror
