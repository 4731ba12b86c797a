#include "mirror/mirror_settings.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walgate::mirror {

std::string transactional_id(const Config& config) {
  return config.pipeline + ".walgate";
}

KafkaProperties producer_properties(const Config& config, std::uint64_t record_limit) {
  KafkaProperties own;
  const auto unless_given = [&](const char* name, const std::string& value) {
    if (!config.kafka.properties.contains(name)) own.emplace(name, value);
  };
  if (config.kafka.exactly_once) {
    own.emplace("transactional.id", transactional_id(config));
    // A transaction of the source is one of Kafka's, however long it is; the brokers' own limit is the same.
    unless_given("transaction.timeout.ms", "900000");
  }
  own.emplace("enable.idempotence", "true");
  if (record_limit != 0) {
    const auto given = config.kafka.properties.find("batch.size");
    const auto wanted = given == config.kafka.properties.end() ? record_limit : std::stoull(given->second);
    own.emplace("batch.size", std::to_string(std::min<std::uint64_t>(record_limit, wanted)));
  }
  own.emplace("allow.auto.create.topics", "false");
  unless_given("client.id", "walgate");
  unless_given("linger.ms", "5");
  unless_given("queue.buffering.max.messages", "1000000");
  // A single record may be as large as message.max.bytes says.
  constexpr std::uint64_t usual_kilobytes = 16384;
  const auto largest = config.kafka.properties.find("message.max.bytes");
  const std::uint64_t kilobytes =
      largest == config.kafka.properties.end() ? 0 : std::strtoull(largest->second.c_str(), nullptr, 10) / 1024;
  unless_given("queue.buffering.max.kbytes", std::to_string(std::max(usual_kilobytes, 2 * kilobytes)));
  if (!config.kafka.properties.contains("compression.type")) unless_given("compression.codec", "lz4");
  return own;
}

RecordOptions record_options(const Config& config, const std::string& database) {
  const auto& kafka = config.kafka;
  RecordOptions options;
  options.format = kafka.format == KafkaFormat::flat ? RecordFormat::flat : RecordFormat::debezium;
  options.codec.with_schema = kafka.schemas;
  options.codec.modes = {.decimal = decimal_mode_of(kafka.decimal_handling_mode).value(),
                         .time = time_mode_of(kafka.time_precision_mode).value(),
                         .binary = binary_mode_of(kafka.binary_handling_mode).value(),
                         .interval = interval_mode_of(kafka.interval_handling_mode).value(),
                         .money_fraction_digits = static_cast<int>(kafka.money_fraction_digits),
                         .unavailable_value_placeholder = kafka.unavailable_value_placeholder};
  options.with_tombstones = kafka.tombstones;
  options.with_transaction_block = kafka.transactions;
  options.pipeline = config.pipeline;
  options.database = database;
  options.version = WALGATE_VERSION;
  return options;
}

std::string progress_topic(const Config& config) {
  return config.pipeline + ".walgate.progress";
}

std::string transaction_topic(const Config& config) {
  return config.pipeline + ".transaction";
}

std::string schemas_topic(const Config& config) {
  return config.pipeline + ".walgate.schemas";
}

std::string mirror_slot(const Config& config) {
  return config.source.slot + "_mirror";
}

}  // namespace walgate::mirror
