#include "mirror/kafka_admin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace walgate::mirror {

namespace {

/// Asks for metadata in waits that are short enough for whoever waits for us to leave, and long enough for a slow
/// answer.
KafkaMetadata ask_patiently(KafkaClient& client, bool with_topics, const Patience& patience, std::string_view what) {
  constexpr std::chrono::seconds longest_answer{3};
  for (;;) {
    const rd_kafka_metadata_t* answer = nullptr;
    const auto code =
        rd_kafka_metadata(client.handle(), with_topics ? 1 : 0, nullptr, &answer, patience.next(longest_answer));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaMetadata{answer};
    const auto no_answer = code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT;
    if (!no_answer || patience.is_over() || client.waits_in_vain()) throw client.error(code, what);
  }
}

}  // namespace

KafkaAdmin::KafkaAdmin(const KafkaProperties& properties)
    : client_{RD_KAFKA_PRODUCER, properties, {{"allow.auto.create.topics", "false"}}} {}

KafkaCluster KafkaAdmin::cluster(const Patience& patience) {
  // Asks for no topic, only for the brokers: a topic that is not used yet stands for none.
  const auto metadata = ask_patiently(client_, false, patience, "ask the cluster for its brokers");
  struct Freer {
    KafkaClient& client;
    void operator()(char* text) const noexcept { rd_kafka_mem_free(client.handle(), text); }
  };
  const std::unique_ptr<char, Freer> id{rd_kafka_clusterid(client_.handle(), patience.next(std::chrono::seconds{1})),
                                        Freer{client_}};
  if (!id) throw client_.error(RD_KAFKA_RESP_ERR__TIMED_OUT, "ask the cluster for its id");
  return {id.get(), metadata->broker_cnt};
}

KafkaMetadata KafkaAdmin::topics(const Patience& patience) {
  return ask_patiently(client_, true, patience, "ask the cluster for its topics");
}

std::vector<std::string> KafkaAdmin::names(const Patience& patience) {
  const auto metadata = topics(patience);
  std::vector<std::string> found;
  for (const auto& topic : std::span{metadata->topics, static_cast<std::size_t>(metadata->topic_cnt)}) {
    found.emplace_back(topic.topic);
  }
  return found;
}

std::vector<std::optional<ExistingTopic>> KafkaAdmin::describe(std::span<const std::string> names,
                                                               const Patience& patience) {
  std::vector<std::optional<ExistingTopic>> topics(names.size());
  if (names.empty()) return topics;
  const auto metadata = this->topics(patience);
  const std::span seen{metadata->topics, static_cast<std::size_t>(metadata->topic_cnt)};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = std::ranges::find_if(seen, [&](const auto& topic) { return topic.topic == names[i]; });
    if (found == seen.end() || found->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) continue;
    if (found->err != RD_KAFKA_RESP_ERR_NO_ERROR)
      throw client_.error(found->err, fmt::format("look at topic \"{}\"", names[i]));
    auto& topic = topics[i].emplace();
    topic.name = names[i];
    topic.partitions = found->partition_cnt;
    const std::span partitions{found->partitions, static_cast<std::size_t>(found->partition_cnt)};
    if (!partitions.empty()) {
      topic.replication_factor =
          std::ranges::min(partitions, {}, [](const auto& partition) { return partition.replica_cnt; }).replica_cnt;
    }
  }
  read_settings(topics, patience);
  return topics;
}

void KafkaAdmin::read_settings(std::vector<std::optional<ExistingTopic>>& topics, const Patience& patience) {
  std::vector<KafkaConfigResource> resources;
  std::vector<rd_kafka_ConfigResource_t*> asked;
  for (const auto& topic : topics) {
    if (!topic) continue;
    resources.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic->name.c_str()));
    asked.push_back(resources.back().get());
  }
  if (asked.empty()) return;
  const KafkaQueue queue{rd_kafka_queue_new(client_.handle())};
  const auto wishes = options(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, patience);
  rd_kafka_DescribeConfigs(client_.handle(), asked.data(), asked.size(), wishes.get(), queue.get());
  const auto event = wait(queue, "read the settings of topics", patience);
  std::size_t count = 0;
  const auto* const* const described =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  for (const auto* resource : std::span{described, count}) {
    const std::string name{rd_kafka_ConfigResource_name(resource)};
    if (const auto code = rd_kafka_ConfigResource_error(resource); code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      throw KafkaError{KafkaError::Kind::fatal, code,
                       fmt::format("could not read the settings of topic \"{}\": {}", name,
                                   rd_kafka_ConfigResource_error_string(resource))};
    }
    std::size_t entries = 0;
    const auto* const* const settings = rd_kafka_ConfigResource_configs(resource, &entries);
    const auto topic = std::ranges::find_if(topics, [&](const auto& one) { return one && one->name == name; });
    for (const auto* setting : std::span{settings, entries}) {
      const auto* const value = rd_kafka_ConfigEntry_value(setting);
      (*topic)->settings[rd_kafka_ConfigEntry_name(setting)] = value == nullptr ? "" : value;
    }
  }
}

void KafkaAdmin::create(const WantedTopic& topic, const Patience& patience) {
  char reason[512] = "";
  const KafkaNewTopic wanted{
      rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, topic.replication_factor, reason, sizeof reason)};
  if (!wanted) {
    throw KafkaError{KafkaError::Kind::fatal, RD_KAFKA_RESP_ERR__INVALID_ARG,
                     fmt::format("cannot create topic \"{}\": {}", topic.name, reason)};
  }
  for (const auto& [name, value] : topic.settings)
    rd_kafka_NewTopic_set_config(wanted.get(), name.c_str(), value.c_str());
  const KafkaQueue queue{rd_kafka_queue_new(client_.handle())};
  const auto wishes = options(RD_KAFKA_ADMIN_OP_CREATETOPICS, patience);
  std::array<rd_kafka_NewTopic_t*, 1> topics{wanted.get()};
  rd_kafka_CreateTopics(client_.handle(), topics.data(), topics.size(), wishes.get(), queue.get());
  const auto event = wait(queue, fmt::format("create topic \"{}\"", topic.name), patience);
  std::size_t count = 0;
  const auto* const* const results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (const auto* result : std::span{results, count}) {
    const auto code = rd_kafka_topic_result_error(result);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const auto* const text = rd_kafka_topic_result_error_string(result);
    throw KafkaError{
        KafkaError::Kind::fatal, code,
        fmt::format("could not create topic \"{}\": {}", topic.name, text == nullptr ? rd_kafka_err2str(code) : text)};
  }
}

/// The event that ends an admin call; throws the call's own error.
KafkaEvent KafkaAdmin::wait(const KafkaQueue& queue, std::string_view what, const Patience& patience) {
  // The call itself ends in time; a little more is for its answer to get here.
  KafkaEvent event;
  do {
    event.reset(rd_kafka_queue_poll(queue.get(), patience.next()));
  } while (!event && !patience.is_over());
  if (!event) event.reset(rd_kafka_queue_poll(queue.get(), 1000));
  if (!event) throw client_.error(RD_KAFKA_RESP_ERR__TIMED_OUT, what);
  if (const auto code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw client_.error(code, what);
  return event;
}

KafkaAdminOptions KafkaAdmin::options(rd_kafka_admin_op_t operation, const Patience& patience) {
  KafkaAdminOptions made{rd_kafka_AdminOptions_new(client_.handle(), operation)};
  char reason[256] = "";
  const auto timeout = std::max(1, static_cast<int>(patience.left().count()));
  rd_kafka_AdminOptions_set_request_timeout(made.get(), timeout, reason, sizeof reason);
  if (operation == RD_KAFKA_ADMIN_OP_CREATETOPICS) {
    // Ends when every broker knows the topic, so that it can be written to.
    rd_kafka_AdminOptions_set_operation_timeout(made.get(), timeout, reason, sizeof reason);
  }
  return made;
}

}  // namespace walgate::mirror
