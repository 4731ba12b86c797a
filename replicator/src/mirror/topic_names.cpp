#include "mirror/topic_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace walgate::mirror {

namespace {

/// What Kafka's metrics make of a name: two topics must not share it.
std::string metric_name(std::string name) {
  std::ranges::replace(name, '.', '_');
  return name;
}

}  // namespace

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
