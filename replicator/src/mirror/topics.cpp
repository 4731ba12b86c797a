#include "mirror/topics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <thread>

#include "catalog/table_mapping.hpp"
#include "errors/error.hpp"
#include "mirror/patience.hpp"
#include "observe/log.hpp"

namespace walgate::mirror {

namespace {

/// Between two looks whether a topic is there.
constexpr std::chrono::milliseconds next_look{20};

std::uint64_t record_limit_of(const ExistingTopic& topic) {
  const auto found = topic.settings.find("max.message.bytes");
  std::uint64_t limit = 0;
  if (found == topic.settings.end()) return 0;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), limit);
  return limit;
}

}  // namespace

std::optional<TableTopic> topic_of_table(const Config& config, const QualifiedName& table) {
  const auto mapping = map_table(config.tables, table);
  TableTopic topic{.name = {}, .partitions = config.kafka.partitions};
  if (mapping.rule != nullptr) {
    if (!mapping.rule->topic) return std::nullopt;
    topic.name = *mapping.rule->topic;
    if (mapping.rule->partitions != 0) topic.partitions = mapping.rule->partitions;
    topic.is_shared =
        !topic.name.empty() && (mapping.rule->source.has_wildcard() ||
                                std::ranges::count(config.tables, mapping.rule->topic, &TableRule::topic) > 1);
  }
  if (topic.name.empty()) {
    std::string mistake;
    const auto pattern = TopicPattern::parse(config.kafka.topic, mistake);
    if (!pattern)
      throw Error{{.name = ErrorName::configuration_invalid,
                   .message = fmt::format("kafka.topic: {}", mistake),
                   .phase = "mirror"}};
    topic.name = pattern->name_for(config.pipeline, table);
    topic.is_shared = !pattern->is_per_table() || config.kafka.topic.find("{schema}") == std::string::npos;
  }
  if (const auto problem = topic_name_problem(topic.name)) {
    throw Error{
        {.name = ErrorName::mirror_topic_unfit,
         .message = fmt::format("table {} cannot have the topic \"{}\": {}", table.display(), topic.name, *problem),
         .remedy = "give the table a topic of another name (tables[].topic)",
         .phase = "mirror",
         .relation = table.display()}};
  }
  return topic;
}

WantedTopic wanted_topic(const Config& config, std::string name, TopicPurpose purpose, std::uint64_t partitions,
                         std::int32_t brokers) {
  const auto factor = config.kafka.replication_factor
                          ? std::optional{static_cast<std::int16_t>(*config.kafka.replication_factor)}
                          : std::nullopt;
  auto settings = config.kafka.topic_settings;
  const bool is_tables = purpose == TopicPurpose::table || purpose == TopicPurpose::keyless;
  if (!is_tables) {  // how long changes are kept is no matter of ours
    std::erase_if(settings, [](const auto& one) {
      return one.first.starts_with("retention.") || one.first == "cleanup.policy" ||
             one.first.find("compaction") != std::string::npos;
    });
  }
  if (purpose == TopicPurpose::keyless) settings.erase("cleanup.policy");
  return with_defaults(std::move(name), purpose, static_cast<std::int32_t>(partitions), factor, std::move(settings),
                       brokers);
}

const KafkaCluster& Topics::cluster() {
  if (!cluster_) cluster_ = admin_.cluster({answer_patience, leave_});
  return *cluster_;
}

const ExistingTopic& Topics::ensure(const std::string& name, TopicPurpose purpose, std::uint64_t partitions) {
  if (const auto known = known_.find(name); known != known_.end()) return known->second;
  const auto wanted = std::to_array({wanted_topic(config_, name, purpose, partitions, cluster().brokers)});
  const auto names = std::to_array({name});
  auto existing = admin_.describe(names, {answer_patience, leave_});
  const auto findings = compare_topics(wanted, existing, cluster().brokers);
  for (const auto& finding : findings) {
    if (finding.severity == Severity::error) {
      throw Error{{.name = ErrorName::mirror_topic_unfit,
                   .message = fmt::format("{} cannot be used: {}", finding.object, finding.finding),
                   .remedy = finding.remedy,
                   .phase = "mirror"}};
    }
    if (finding.severity == Severity::warning) {
      log::warning(text_of(finding.name), finding.finding, {{"topic", name}, {"remedy", finding.remedy}});
    }
  }
  if (!existing.front()) {
    try {
      admin_.create(wanted.front(), {answer_patience, leave_});
      log::info("topic_created", "created a topic",
                {{"topic", name},
                 {"partitions", wanted.front().partitions},
                 {"replication_factor", wanted.front().replication_factor}});
    } catch (const KafkaError& error) {
      if (error.code() != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) throw;
    }
    // The controller has made it; the broker that answers hears of it a little later.
    for (const Patience patience{answer_patience, leave_}; !existing.front();) {
      existing = admin_.describe(names, {answer_patience, leave_});
      if (existing.front()) break;
      if (patience.is_over()) {
        throw KafkaError{KafkaError::Kind::retriable, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                         fmt::format("topic \"{}\" is not there although it was created", name)};
      }
      std::this_thread::sleep_for(next_look);
    }
  }
  return known_.emplace(name, std::move(*existing.front())).first->second;
}

std::uint64_t Topics::record_limit(const std::string& name) const {
  const auto found = known_.find(name);
  return found == known_.end() ? 0 : record_limit_of(found->second);
}

std::uint64_t Topics::least_record_limit() const {
  std::uint64_t least = 0;
  for (const auto& [name, topic] : known_) {
    const auto limit = record_limit_of(topic);
    if (limit != 0 && (least == 0 || limit < least)) least = limit;
  }
  return least;
}

}  // namespace walgate::mirror
