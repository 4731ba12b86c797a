#include "mirror/kafka_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/value_types.hpp"
#include "errors/error.hpp"

namespace walgate::mirror {

namespace {

/// Properties that the mirror sets itself, and what for.
struct Own {
  std::string_view name;
  std::string_view reason;
};
constexpr auto own_properties = std::to_array<Own>({
    {"acks", "exactly once needs all"},
    {"request.required.acks", "exactly once needs all"},
    {"enable.idempotence", "kafka.exactly_once decides it"},
    {"enable.gapless.guarantee", "it does not go with transactions"},
    {"transactional.id", "it is made from the pipeline's name"},
    {"allow.auto.create.topics", "topics are made with the settings of the configuration"},
    {"partitioner", "partitions are those of the Java client's murmur2"},
    {"group.id", "the mirror reads its own progress, and belongs to no group"},
    {"isolation.level", "progress is read as committed"},
    {"enable.auto.commit", "the mirror commits no offsets"},
    {"enable.partition.eof", "the mirror reads its progress to the end"},
    {"auto.offset.reset", "the mirror reads its progress from the beginning"},
    {"delivery.report.only.error", "the mirror counts on it"},
    {"dr_cb", "it is no text"},
    {"dr_msg_cb", "it is no text"},
});

/// Sets one property; the text says what is wrong with it, and is empty when nothing is.
std::string set(rd_kafka_conf_t& conf, const std::string& name, const std::string& value) {
  char reason[512] = "";
  switch (rd_kafka_conf_set(&conf, name.c_str(), value.c_str(), reason, sizeof reason)) {
    case RD_KAFKA_CONF_OK:
      return {};
    case RD_KAFKA_CONF_UNKNOWN:
      return fmt::format("librdkafka {} does not know it", rd_kafka_version_str());
    case RD_KAFKA_CONF_INVALID:
      break;
  }
  // The library's own text may quote the value.
  return is_secret_property(name) ? std::string{"its value is not accepted"}
                                  : fmt::format("its value is not accepted: {}", reason);
}

}  // namespace

Mistakes property_mistakes(const KafkaProperties& properties) {
  Mistakes mistakes;
  const KafkaConf conf{rd_kafka_conf_new()};
  for (const auto& [name, value] : properties) {
    const auto own = std::ranges::find(own_properties, name, &Own::name);
    auto problem = own != own_properties.end() ? fmt::format("the mirror sets it itself: {}", own->reason)
                                               : set(*conf, name, value);
    if (!problem.empty()) mistakes.push_back({config::member_path("kafka.properties", name), std::move(problem)});
  }
  return mistakes;
}

KafkaConf kafka_conf(const KafkaProperties& properties, const KafkaProperties& own) {
  std::string mistakes;
  for (const auto& mistake : property_mistakes(properties)) {
    mistakes += (mistakes.empty() ? "" : "; ") + mistake.sentence();
  }
  if (!mistakes.empty())
    throw Error{{.name = ErrorName::configuration_invalid, .message = mistakes, .phase = "mirror"}};
  KafkaConf conf{rd_kafka_conf_new()};
  for (const auto* source : {&properties, &own}) {
    for (const auto& [name, value] : *source) {
      if (const auto problem = set(*conf, name, value); !problem.empty()) {
        throw Error{{.name = ErrorName::configuration_invalid,
                     .message = fmt::format("{}: {}", config::member_path("kafka.properties", name), problem),
                     .phase = "mirror"}};
      }
    }
  }
  return conf;
}

KafkaProperties without_secrets(const KafkaProperties& properties) {
  auto shown = properties;
  for (auto& [name, value] : shown) {
    if (is_secret_property(name)) value = "***";
  }
  return shown;
}

}  // namespace walgate::mirror
