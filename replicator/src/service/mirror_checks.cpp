#include "service/mirror_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "apply/progress.hpp"
#include "apply/target_session.hpp"
#include "errors/error.hpp"
#include "mirror/kafka_admin.hpp"
#include "mirror/kafka_failure.hpp"
#include "mirror/mirror_settings.hpp"
#include "mirror/transactional_producer.hpp"
#include "stream/source_session.hpp"

namespace walgate::service {

namespace {

using namespace std::chrono_literals;
using mirror::TopicPurpose;
using mirror::WantedTopic;

constexpr auto cluster_patience = 10s;
constexpr auto topics_patience = 15s;

std::string topic_text(const std::string& name) {
  return fmt::format("topic \"{}\"", name);
}

/// Each topic once; tables that share one must want the same of it.
std::vector<WantedTopic> wanted_topics(const Config& config, const std::vector<MirroredTable>& tables,
                                       std::int32_t brokers, Findings& findings) {
  std::vector<WantedTopic> wanted;
  const auto add = [&](const std::string& name, TopicPurpose purpose, std::uint64_t partitions) {
    wanted.push_back(mirror::wanted_topic(config, name, purpose, partitions, brokers));
  };
  add(mirror::progress_topic(config), TopicPurpose::progress, 1);
  add(mirror::schemas_topic(config), TopicPurpose::schemas, 1);
  if (config.kafka.transactions) add(mirror::transaction_topic(config), TopicPurpose::transactions, 1);
  std::map<std::string, const MirroredTable*> owners;
  for (const auto& table : tables) {
    const auto [owner, is_new] = owners.emplace(table.topic.name, &table);
    if (is_new) {
      add(table.topic.name, table.key.empty() ? TopicPurpose::keyless : TopicPurpose::table, table.topic.partitions);
      continue;
    }
    const auto& other = *owner->second;
    if (other.topic.partitions != table.topic.partitions || other.key.empty() != table.key.empty()) {
      findings.error(ErrorName::topic_shared_unlike, topic_text(table.topic.name),
                     fmt::format("table {} wants {} partitions for records {} a key, and table {} wants {} for records "
                                 "{} a key",
                                 other.display(), other.topic.partitions, other.key.empty() ? "without" : "with",
                                 table.display(), table.topic.partitions, table.key.empty() ? "without" : "with"));
    }
  }
  return wanted;
}

/// Kafka refuses a topic whose name its metrics could not tell from that of another.
void check_neighbours(const std::vector<WantedTopic>& wanted,
                      const std::vector<std::optional<mirror::ExistingTopic>>& existing,
                      const std::vector<std::string>& all, Findings& findings) {
  const auto metric = [](std::string name) {
    std::ranges::replace(name, '.', '_');
    return name;
  };
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (existing[i]) continue;
    const auto found =
        std::ranges::find_if(all, [&](const std::string& name) { return metric(name) == metric(wanted[i].name); });
    if (found == all.end()) continue;
    findings.error(ErrorName::topic_name_taken, topic_text(wanted[i].name),
                   fmt::format("the cluster has a topic \"{}\", and Kafka cannot tell the two apart", *found));
  }
}

void add_failure(const Failure& failure, Severity severity, Findings& findings) {
  findings.add(severity, failure.name, "kafka", failure.message, failure.remedy,
               failure.name == ErrorName::configuration_invalid ? "kafka.properties" : "");
}

void check_cluster(const Config& config, const std::vector<MirroredTable>& tables, Findings& findings) {
  const auto& kafka = config.kafka;
  // Says what librdkafka has against properties that are right one by one.
  const mirror::TransactionalProducer producer{kafka.properties, mirror::producer_properties(config),
                                               kafka.exactly_once};
  mirror::KafkaAdmin admin{kafka.properties};
  const auto cluster = admin.cluster(cluster_patience);
  const auto wanted = wanted_topics(config, tables, cluster.brokers, findings);
  findings.add(Severity::info, ErrorName::mirror_configured, "kafka",
               fmt::format("{} tables are mirrored into {} topics of cluster \"{}\", which has {} brokers",
                           tables.size(), wanted.size(), cluster.id, cluster.brokers));
  std::vector<std::string> names;
  for (const auto& topic : wanted) names.push_back(topic.name);
  const auto existing = admin.describe(names, topics_patience);
  for (auto& finding : mirror::compare_topics(wanted, existing, cluster.brokers)) findings.add(std::move(finding));
  check_neighbours(wanted, existing, admin.names(topics_patience), findings);
}

/// Nobody else runs the pipeline as long as `target` lives.
bool is_ours_alone(const Config& config, postgres::Connection& source, std::optional<postgres::Connection>& target) {
  if (config.has_target()) {
    target = apply::open_target(config, nullptr);
    target->set_phase("check");
    return apply::try_lock_pipeline(*target, config.pipeline);
  }
  const auto is_used = [&](const std::string& name) {
    const auto slot = stream::find_slot(source, name);
    return slot && slot->active_pid;
  };
  return !is_used(config.source.slot) && !is_used(mirror::mirror_slot(config));
}

}  // namespace

std::vector<Finding> check_mirror(const Config& config, const MirroredSource& source, Severity unanswered) {
  Findings findings;
  for (const auto& name : source.missing_publications) {
    findings.error(ErrorName::publication_missing, fmt::format("publication \"{}\"", name),
                   fmt::format("database \"{}\" of the source has no such publication", source.database));
  }
  const auto tables = mirrored_tables(config, source, findings);
  for (const auto& table : tables) {
    if (!table.key.empty()) continue;
    findings.add(Severity::info, ErrorName::mirror_table_without_key, table.display(),
                 fmt::format("its records have no key: topic \"{}\" is not compacted, and they all go to partition 0",
                             table.topic.name));
  }
  try {
    check_cluster(config, tables, findings);
  } catch (const mirror::KafkaError& error) {
    const auto failure = mirror::failure_of(error, config);
    add_failure(failure, failure.name == ErrorName::kafka_unavailable ? unanswered : Severity::error, findings);
  } catch (const Error& error) {
    add_failure(error.failure(), Severity::error, findings);
  }
  return findings.take();
}

std::vector<Finding> check_transactional_id(const Config& config, postgres::Connection& source) {
  if (!config.kafka.exactly_once) return {};
  Findings findings;
  std::optional<postgres::Connection> target;
  const auto not_tried = [&](std::string why) {
    findings.add(Severity::info, ErrorName::transactional_id_not_tested,
                 fmt::format("transactional id \"{}\"", mirror::transactional_id(config)), std::move(why));
  };
  try {
    if (is_ours_alone(config, source, target)) {
      mirror::TransactionalProducer producer{config.kafka.properties, mirror::producer_properties(config)};
      producer.initialise(cluster_patience);
    } else {
      not_tried("a service runs the pipeline, and trying would shut its mirror out");
    }
  } catch (const mirror::KafkaError& error) {
    add_failure(mirror::failure_of(error, config), Severity::error, findings);
  } catch (const Error& error) {
    not_tried(fmt::format("whether a service runs the pipeline could not be asked: {}", error.failure().message));
  }
  return findings.take();
}

std::vector<Finding> check_mirror_alone(const Config& config) {
  require_mirror(config);
  auto source = stream::open_monitor(config, nullptr);
  source.set_phase("check");
  auto findings = check_mirror(config, read_mirrored_source(config, source), Severity::error);
  // Where the cluster did not answer, it would not do so now.
  const bool answered = std::ranges::find(findings, ErrorName::mirror_configured, &Finding::name) != findings.end();
  if (answered) {
    auto more = check_transactional_id(config, source);
    findings.insert(findings.end(), more.begin(), more.end());
  }
  return findings;
}

void require_mirror(const Config& config) {
  if (config.kafka.is_on()) return;
  throw Error{{.name = ErrorName::configuration_invalid,
               .message = "the configuration asks for no mirror: it has no section kafka",
               .remedy = "Name the brokers: {\"kafka\": {\"properties\": {\"bootstrap.servers\": \"host:9092\"}}}.",
               .phase = "mirror"}};
}

}  // namespace walgate::service
