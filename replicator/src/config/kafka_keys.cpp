// kafka_keys.cpp - the part of the table of keys that is about the Kafka mirror.

#include <chrono>

#include "config/kafka_values.hpp"
#include "config/rows.hpp"

namespace walgate::config {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t most_partitions = 100'000;
constexpr std::uint64_t most_replicas = 32767;   // Kafka counts them in 16 bits
constexpr std::uint64_t most_money_digits = 18;  // money is a 64-bit number of the smallest unit

// One of some words that the mirror reads itself.
ValueType<std::string> word(const std::vector<std::string>& words) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& one : words) pairs.emplace_back(one, one);
  return choice<std::string>(std::move(pairs));
}

// Its values may stand in files beside the configuration.
Key properties_key() {
  Key key = required<Properties>("kafka.properties", properties({}),
                                 "librdkafka's own, `bootstrap.servers` at least; a value is a string, a number, true, "
                                 "false, `{\"env\": \"NAME\"}` "
                                 "or `{\"file\": \"path\"}`",
                                 [](Draft& d) -> Properties& { return d.config.kafka.properties; });
  key.missing = R"(is missing: name the brokers, {"bootstrap.servers": "host:9092"})";
  key.standard = "required in `kafka`";
  key.read = [](const Element& element, const std::string& at, Mistakes& mistakes, Draft& draft) {
    auto value = properties(draft.folder).read(element, at, mistakes);
    if (!value) return false;
    draft.config.kafka.properties = std::move(*value);
    return true;
  };
  return key;
}

void add_topics(std::vector<Key>& all) {
  all.push_back(optional<std::string>("kafka.topic", topic_pattern(), "{pipeline}.{schema}.{table}",
                                      "the topic of a table; without `{table}` tables share one",
                                      [](Draft& d) -> std::string& { return d.config.kafka.topic; }));
  all.push_back(optional<std::uint64_t>("kafka.partitions", count(1, most_partitions), 1,
                                        "partitions of a topic that the mirror makes",
                                        [](Draft& d) -> std::uint64_t& { return d.config.kafka.partitions; }));
  all.push_back(derived<std::optional<std::uint64_t>>(
      "kafka.replication_factor", count_or_null(1, most_replicas), "3, or as many as there are brokers",
      "replicas of a topic that the mirror makes",
      [](Draft& d) -> std::optional<std::uint64_t>& { return d.config.kafka.replication_factor; },
      [](Draft& d) { d.config.kafka.replication_factor.reset(); }));
  all.push_back(optional<Settings>("kafka.topic_settings", settings(), {},
                                   "Kafka's own settings of a topic that the mirror makes: `cleanup.policy`, "
                                   "`retention.ms`, `min.insync.replicas` …",
                                   [](Draft& d) -> Settings& { return d.config.kafka.topic_settings; }));
}

void add_records(std::vector<Key>& all) {
  all.push_back(optional<KafkaFormat>(
      "kafka.format", choice<KafkaFormat>({{"debezium", KafkaFormat::debezium}, {"flat", KafkaFormat::flat}}),
      KafkaFormat::debezium, "form of the [records](kafka-records.md): Debezium's envelope, or the row alone",
      [](Draft& d) -> KafkaFormat& { return d.config.kafka.format; }));
  all.push_back(optional<bool>("kafka.schemas", boolean(), false, "every record carries its schema",
                               [](Draft& d) -> bool& { return d.config.kafka.schemas; }));
  all.push_back(optional<bool>("kafka.tombstones", boolean(), true,
                               "a delete is followed by its key without a value, so that compaction forgets the row",
                               [](Draft& d) -> bool& { return d.config.kafka.tombstones; }));
  all.push_back(optional<bool>("kafka.transactions", boolean(), true,
                               "a topic tells where each transaction begins and ends, and how much it changed",
                               [](Draft& d) -> bool& { return d.config.kafka.transactions; }));
  all.push_back(optional<std::string>("kafka.decimal_handling_mode", word({"precise", "string", "double"}), "precise",
                                      "numeric and money",
                                      [](Draft& d) -> std::string& { return d.config.kafka.decimal_handling_mode; }));
  all.push_back(optional<std::string>(
      "kafka.time_precision_mode",
      word({"adaptive", "adaptive_time_microseconds", "isostring", "connect", "microseconds", "nanoseconds"}),
      "adaptive", "date, time and timestamp",
      [](Draft& d) -> std::string& { return d.config.kafka.time_precision_mode; }));
  all.push_back(optional<std::string>("kafka.binary_handling_mode", word({"bytes", "base64", "base64-url-safe", "hex"}),
                                      "bytes", "bytea",
                                      [](Draft& d) -> std::string& { return d.config.kafka.binary_handling_mode; }));
  all.push_back(optional<std::string>("kafka.interval_handling_mode", word({"numeric", "string"}), "numeric",
                                      "interval: microseconds, or ISO 8601",
                                      [](Draft& d) -> std::string& { return d.config.kafka.interval_handling_mode; }));
  all.push_back(
      optional<std::uint64_t>("kafka.money_fraction_digits", count(0, most_money_digits), 2,
                              "digits of money, as `lc_monetary` of the source has them",
                              [](Draft& d) -> std::uint64_t& { return d.config.kafka.money_fraction_digits; }));
  all.push_back(optional<std::string>(
      "kafka.unavailable_value_placeholder", text(), "__debezium_unavailable_value",
      "stands for a value that the WAL does not hold: a large one that an update has left as it was",
      [](Draft& d) -> std::string& { return d.config.kafka.unavailable_value_placeholder; }));
}

void add_sending(std::vector<Key>& all) {
  all.push_back(optional<bool>("kafka.exactly_once", boolean(), true,
                               "records go into Kafka transactions: who reads committed records alone sees each once",
                               [](Draft& d) -> bool& { return d.config.kafka.exactly_once; }));
  all.push_back(optional<bool>("kafka.copy", boolean(), true, "rows that exist are sent first, with `op` `r`",
                               [](Draft& d) -> bool& { return d.config.kafka.copy; }));
  all.push_back(optional<std::uint64_t>(
      "kafka.queue_bytes", size(64 * kilobyte, 64 * gigabyte), 64 * megabyte,
      "applied on the target and not yet sent, at most; then the mirror falls behind, and the target does not wait",
      [](Draft& d) -> std::uint64_t& { return d.config.kafka.queue_bytes; }));
  all.push_back(optional<milliseconds>("kafka.catch_up_time", duration(milliseconds{0}, std::chrono::hours{24}),
                                       std::chrono::minutes{2},
                                       "a mirror that has fallen behind takes this long, so that the target is not "
                                       "slowed down; `\"0s\"`: as fast as it can",
                                       [](Draft& d) -> milliseconds& { return d.config.kafka.catch_up_time; }));
  all.push_back(optional<milliseconds>("kafka.commit_interval", duration(milliseconds{0}, std::chrono::seconds{30}),
                                       milliseconds{5},
                                       "from the end of one Kafka transaction to the end of the next, at least",
                                       [](Draft& d) -> milliseconds& { return d.config.kafka.commit_interval; }));
  all.push_back(optional<std::uint64_t>(
      "kafka.transaction_rows", count(1, 10'000'000), 50000,
      "a Kafka transaction is ended at this many changes; a transaction of the source still stays whole",
      [](Draft& d) -> std::uint64_t& { return d.config.kafka.transaction_rows; }));
  all.push_back(optional<std::uint64_t>("kafka.transaction_bytes", size(64 * kilobyte, gigabyte), 16 * megabyte,
                                        "the same, in bytes of the stream",
                                        [](Draft& d) -> std::uint64_t& { return d.config.kafka.transaction_bytes; }));
  all.push_back(optional<std::uint64_t>("kafka.max_lag_bytes", size(0, 1024 * 1024 * gigabyte), 0,
                                        "WAL that the mirror's own slot may hold on the source; `\"0B\"` for no limit",
                                        [](Draft& d) -> std::uint64_t& { return d.config.kafka.max_lag_bytes; }));
  all.push_back(optional<AtMaxLag>("kafka.at_max_lag",
                                   choice<AtMaxLag>({{"hold", AtMaxLag::hold}, {"gap", AtMaxLag::gap}}), AtMaxLag::hold,
                                   "at that limit: go on holding the WAL, or leave a gap in the topics and say so",
                                   [](Draft& d) -> AtMaxLag& { return d.config.kafka.at_max_lag; }));
  all.push_back(optional<Oversize>(
      "kafka.oversize", choice<Oversize>({{"stop", Oversize::stop}, {"pointer", Oversize::pointer}}), Oversize::stop,
      "a record that is larger than the brokers take: stop the mirror, or send one that says where the row is",
      [](Draft& d) -> Oversize& { return d.config.kafka.oversize; }));
}

}  // namespace

void add_kafka_keys(std::vector<Key>& all) {
  Key mirror = section("kafka", "the mirror into Kafka; null, or left out: none");
  mirror.is_on = [](const Config& config) { return config.kafka.is_on(); };
  all.push_back(std::move(mirror));
  all.push_back(properties_key());
  add_topics(all);
  add_records(all);
  add_sending(all);
}

void add_kafka_keys_of_tables(std::vector<Key>& all) {
  all.push_back(optional<std::optional<std::string>>(
      "tables[].topic", topic_or_null(), "",
      "their topic on Kafka; the empty text stands for the one by `kafka.topic`; null: they are not mirrored",
      [](Draft& d) -> std::optional<std::string>& { return d.rule->topic; }));
  all.push_back(optional<std::vector<std::string>>(
      "tables[].key", names(0), {},
      "columns of the source that are the key of their records, in this order; none stands for the replica identity",
      [](Draft& d) -> std::vector<std::string>& { return d.rule->key; }));
  all.push_back(
      optional<std::uint64_t>("tables[].partitions", count(0, most_partitions), 0,
                              "partitions of their topic, where the mirror makes it; 0 stands for `kafka.partitions`",
                              [](Draft& d) -> std::uint64_t& { return d.rule->partitions; }));
}

}  // namespace walgate::config
