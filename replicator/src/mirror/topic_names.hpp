// topic_names.hpp - the topic of each table.
//
// Kafka refuses two names that differ only in '.' against '_', because its metrics cannot tell them apart.  What does
// not fit is a mistake that a person has to solve: a name that we changed in silence could collide with another one, or
// be looked for in vain.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/identifier.hpp"
#include "config/topic_pattern.hpp"

namespace walgate::mirror {

using walgate::topic_name_problem;
using walgate::TopicPattern;

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
