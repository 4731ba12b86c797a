// kafka_keys_test.cpp - the section `kafka` of configuration files, and what the rules of tables say about the mirror.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "config/load.hpp"
#include "config/print.hpp"
#include "mirror/value_modes.hpp"

namespace walgate {
namespace {

using nlohmann::ordered_json;

std::string mistakes_in(const LoadedConfig& loaded) {
  std::string lines;
  if (const auto* mistakes = std::get_if<Mistakes>(&loaded)) {
    for (const Mistake& mistake : *mistakes) lines += mistake.sentence() + '\n';
  }
  return lines;
}

// A file with `kafka` as that section and `more`, which begins with a comma.
std::string file_with(const std::string& kafka, const std::string& more = "") {
  return R"({"pipeline": "p", "source": {"conninfo": ""}, "target": {"conninfo": ""}, "kafka": )" + kafka + more + "}";
}
// The same with properties beside the brokers, and with other keys; both begin with a comma.
std::string with_properties(const std::string& properties) {
  return file_with(R"({"properties": {"bootstrap.servers": "h:1")" + properties + "}}");
}
std::string with_keys(const std::string& keys, const std::string& more = "") {
  return file_with(R"({"properties": {"bootstrap.servers": "h:1"})" + keys + "}", more);
}

std::string mistakes_of(const std::string& json) {
  return mistakes_in(parse_config(json));
}

Config config_of(const std::string& json) {
  LoadedConfig loaded = parse_config(json);
  EXPECT_EQ(mistakes_in(loaded), "");
  return std::get<Config>(std::move(loaded));
}

TEST(KafkaKeys, AreNotNeeded) {
  for (const auto& json : {file_with("null"), std::string{R"({"pipeline": "p", "source": {"conninfo": ""},
                                                             "target": {"conninfo": ""}})"}}) {
    const Config config = config_of(json);
    EXPECT_FALSE(config.kafka.is_on());
    EXPECT_TRUE(config.has_target()) << "an empty connection string is one, by libpq's environment";
    EXPECT_EQ(ordered_json::parse(config_json(config, false))["kafka"], nullptr);
  }
}

TEST(KafkaKeys, HaveDefaults) {
  const Config config = config_of(with_keys("", R"(, "tables": [{"source": "a.b"}])"));
  EXPECT_TRUE(config.kafka.is_on());
  EXPECT_EQ(
      ordered_json::parse(config_json(config, false))["kafka"].dump(),
      R"({"properties":{"bootstrap.servers":"h:1"},"topic":"{pipeline}.{schema}.{table}","partitions":1,)"
      R"("replication_factor":null,"topic_settings":{},"format":"debezium","schemas":false,"tombstones":true,)"
      R"("transactions":true,"decimal_handling_mode":"precise","time_precision_mode":"adaptive",)"
      R"("binary_handling_mode":"bytes","interval_handling_mode":"numeric","money_fraction_digits":2,)"
      R"("unavailable_value_placeholder":"__debezium_unavailable_value","exactly_once":true,"copy":true,)"
      R"("queue_bytes":"64MB","catch_up_time":"2min","commit_interval":"5ms","transaction_rows":50000,"transaction_bytes":"16MB",)"
      R"("max_lag_bytes":"0B","at_max_lag":"hold","oversize":"stop"})");
  EXPECT_EQ(config.tables[0].topic, "");
  EXPECT_TRUE(config.tables[0].key.empty());
  EXPECT_EQ(config.tables[0].partitions, 0U);
}

TEST(KafkaKeys, HaveTheDefaultsThatTheirMembersHave) {
  Config bare{};
  bare.kafka.properties = {{"bootstrap.servers", "h:1"}};
  EXPECT_EQ(ordered_json::parse(config_json(bare, false))["kafka"],
            ordered_json::parse(config_json(config_of(with_keys("")), false))["kafka"]);
}

TEST(KafkaKeys, AreRead) {
  const Config config = config_of(file_with(R"json({
    "properties": {"metadata.broker.list": "h:1,i:2", "linger.ms": 5, "sticky": 0.5, "enable.ssl": true, "x": ""},
    "topic": "cdc.{table}", "partitions": 12, "replication_factor": 2,
    "topic_settings": {"cleanup.policy": "compact,delete", "retention.ms": 86400000, "preallocate": false},
    "format": "flat", "schemas": true, "tombstones": false, "transactions": false,
    "decimal_handling_mode": "string", "time_precision_mode": "isostring", "binary_handling_mode": "base64-url-safe",
    "interval_handling_mode": "string", "money_fraction_digits": 0, "unavailable_value_placeholder": "?",
    "exactly_once": false, "copy": false, "queue_bytes": "1MB", "catch_up_time": "0s", "commit_interval": "0s", "transaction_rows": 1,
    "transaction_bytes": "64kB", "max_lag_bytes": "100 GB", "at_max_lag": "gap", "oversize": "pointer"})json",
                                            R"(, "tables": [{"source": "a.b", "topic": "stock", "key": ["Öl", "b"],
                                                             "partitions": 3}, {"source": "a.c", "topic": null},
                                                            {"source": "a.d", "topic": "", "key": []}])"));
  const auto& kafka = config.kafka;
  EXPECT_EQ(kafka.properties, (decltype(kafka.properties){{"metadata.broker.list", "h:1,i:2"},
                                                          {"linger.ms", "5"},
                                                          {"sticky", "0.5"},
                                                          {"enable.ssl", "true"},
                                                          {"x", ""}}));
  EXPECT_EQ(kafka.topic, "cdc.{table}");
  EXPECT_EQ(kafka.partitions, 12U);
  EXPECT_EQ(kafka.replication_factor, 2U);
  EXPECT_EQ(kafka.topic_settings,
            (std::map<std::string, std::string>{
                {"cleanup.policy", "compact,delete"}, {"retention.ms", "86400000"}, {"preallocate", "false"}}));
  EXPECT_EQ(kafka.format, KafkaFormat::flat);
  EXPECT_TRUE(kafka.schemas);
  EXPECT_FALSE(kafka.tombstones);
  EXPECT_FALSE(kafka.transactions);
  EXPECT_EQ(kafka.decimal_handling_mode, "string");
  EXPECT_EQ(kafka.time_precision_mode, "isostring");
  EXPECT_EQ(kafka.binary_handling_mode, "base64-url-safe");
  EXPECT_EQ(kafka.interval_handling_mode, "string");
  EXPECT_EQ(kafka.money_fraction_digits, 0U);
  EXPECT_EQ(kafka.unavailable_value_placeholder, "?");
  EXPECT_FALSE(kafka.exactly_once);
  EXPECT_FALSE(kafka.copy);
  EXPECT_EQ(kafka.queue_bytes, 1U << 20U);
  EXPECT_EQ(kafka.catch_up_time, std::chrono::milliseconds{0});
  EXPECT_EQ(kafka.commit_interval, std::chrono::milliseconds{0});
  EXPECT_EQ(kafka.transaction_rows, 1U);
  EXPECT_EQ(kafka.transaction_bytes, 65536U);
  EXPECT_EQ(kafka.max_lag_bytes, std::uint64_t{100} << 30U);
  EXPECT_EQ(kafka.at_max_lag, AtMaxLag::gap);
  EXPECT_EQ(kafka.oversize, Oversize::pointer);
  ASSERT_EQ(config.tables.size(), 3U);
  EXPECT_EQ(config.tables[0].topic, "stock");
  EXPECT_EQ(config.tables[0].key, (std::vector<std::string>{"Öl", "b"}));
  EXPECT_EQ(config.tables[0].partitions, 3U);
  EXPECT_EQ(config.tables[1].topic, std::nullopt);
  EXPECT_EQ(config.tables[2].topic, "");
  const std::string shown = config_json(config, true);
  EXPECT_EQ(config_json(config_of(shown), true), shown);
}

TEST(KafkaKeys, NeedBrokers) {
  const std::string asks = R"(name the brokers, {"bootstrap.servers": "host:9092"})";
  EXPECT_EQ(mistakes_of(file_with("{}")), "kafka.properties: is missing: " + asks + "\n");
  EXPECT_EQ(mistakes_of(file_with(R"({"topic": "a", "copy": false})")), "kafka.properties: is missing: " + asks + "\n");
  for (const auto* properties : {"{}", R"({"linger.ms": 5})"}) {
    EXPECT_EQ(mistakes_of(file_with(R"({"properties": )" + std::string{properties} + "}")),
              R"(kafka.properties: "bootstrap.servers" is missing: )" + asks + "\n");
  }
  EXPECT_EQ(mistakes_of(file_with(R"({"properties": {"bootstrap.servers": ""}})")),
            "kafka.properties[\"bootstrap.servers\"]: must not be empty\n");
}

TEST(KafkaKeys, TellAllMistakesInOneRun) {
  EXPECT_EQ(mistakes_of(file_with(
                R"({"topics": "a", "properties": 1, "topic": "{tabel}", "partitions": 0, "replication_factor": 0,
                    "topic_settings": {"retention.ms": null}, "format": "avro", "schemas": 1,
                    "decimal_handling_mode": "exact", "time_precision_mode": "", "binary_handling_mode": "base32",
                    "interval_handling_mode": 1, "money_fraction_digits": 19, "unavailable_value_placeholder": "",
                    "queue_bytes": "1kB", "commit_interval": "31s", "transaction_rows": 0, "max_lag_bytes": 0,
                    "at_max_lag": "stop", "oversize": "skip"})",
                R"(, "tables": [{"source": "a.b", "topic": "größe", "key": "id", "partitions": -1},
                                {"source": "a.c", "topic": 1, "key": ["a", "", "a"]}])")),
            "tables[0].topic: \"größe\" is no name of a topic: it has \"ö\", and Kafka allows only letters, digits, "
            "\".\", \"_\" and \"-\"\n"
            "tables[0].key: must be an array of strings, not a string\n"
            "tables[0].partitions: must be between 0 and 100000\n"
            "tables[1].topic: must be a string, not an integer\n"
            "tables[1].key[1]: must not be empty\n"
            "tables[1].key[2]: \"a\" is given twice\n"
            "kafka.topics: unknown key; did you mean \"topic\"?\n"
            "kafka.properties: must be an object, not an integer\n"
            "kafka.topic: \"{tabel}\" is no pattern of topics: \"{tabel}\" is not known; there are {pipeline}, "
            "{schema} and {table}\n"
            "kafka.partitions: must be between 1 and 100000\n"
            "kafka.replication_factor: must be between 1 and 32767\n"
            "kafka.topic_settings[\"retention.ms\"]: must be a string, a number, true or false, not null\n"
            "kafka.format: must be \"debezium\" or \"flat\", not \"avro\"\n"
            "kafka.schemas: must be true or false, not an integer\n"
            "kafka.decimal_handling_mode: must be \"precise\", \"string\" or \"double\", not \"exact\"\n"
            "kafka.time_precision_mode: must be \"adaptive\", \"adaptive_time_microseconds\", \"isostring\", "
            "\"connect\", \"microseconds\" or \"nanoseconds\", not \"\"\n"
            "kafka.binary_handling_mode: must be \"bytes\", \"base64\", \"base64-url-safe\" or \"hex\", not "
            "\"base32\"\n"
            "kafka.interval_handling_mode: must be \"numeric\" or \"string\", not an integer\n"
            "kafka.money_fraction_digits: must be between 0 and 18\n"
            "kafka.unavailable_value_placeholder: must not be empty\n"
            "kafka.queue_bytes: must be between 64kB and 64GB, not \"1kB\"\n"
            "kafka.commit_interval: must be between 0s and 30s, not \"31s\"\n"
            "kafka.transaction_rows: must be between 1 and 10000000\n"
            "kafka.max_lag_bytes: must be a string such as \"8MB\", not an integer\n"
            "kafka.at_max_lag: must be \"hold\" or \"gap\", not \"stop\"\n"
            "kafka.oversize: must be \"stop\" or \"pointer\", not \"skip\"\n");
  EXPECT_EQ(mistakes_of(file_with("[]")), "kafka: must be an object, not an array\n");
}

TEST(KafkaKeys, AreModesThatTheMirrorReads) {
  const ordered_json keys = ordered_json::parse(config_schema())["properties"]["kafka"]["properties"];
  const auto all_known = [&](const std::string& key, std::size_t count, auto&& mode_of) {
    EXPECT_EQ(keys[key]["enum"].size(), count) << key;
    for (const auto& name : keys[key]["enum"]) EXPECT_TRUE(mode_of(name.get<std::string>())) << key << " " << name;
  };
  all_known("decimal_handling_mode", 3, mirror::decimal_mode_of);
  all_known("time_precision_mode", 6, mirror::time_mode_of);
  all_known("binary_handling_mode", 4, mirror::binary_mode_of);
  all_known("interval_handling_mode", 2, mirror::interval_mode_of);
  const mirror::ValueModes modes;
  EXPECT_EQ(mirror::decimal_mode_of(keys["decimal_handling_mode"]["default"].get<std::string>()), modes.decimal);
  EXPECT_EQ(mirror::time_mode_of(keys["time_precision_mode"]["default"].get<std::string>()), modes.time);
  EXPECT_EQ(mirror::binary_mode_of(keys["binary_handling_mode"]["default"].get<std::string>()), modes.binary);
  EXPECT_EQ(mirror::interval_mode_of(keys["interval_handling_mode"]["default"].get<std::string>()), modes.interval);
  EXPECT_EQ(keys["money_fraction_digits"]["default"], modes.money_fraction_digits);
  EXPECT_EQ(keys["unavailable_value_placeholder"]["default"], modes.unavailable_value_placeholder);
}

TEST(KafkaKeys, MakeTheTargetNeedless) {
  const std::string rest = R"(, "kafka": {"properties": {"bootstrap.servers": "h:1"}}})";
  for (const auto* target : {"", R"(, "target": {})", R"(, "target": {"conninfo": null, "replica_role": "never"})"}) {
    const Config config = config_of(R"({"pipeline": "p", "source": {"conninfo": ""})" + std::string{target} + rest);
    EXPECT_FALSE(config.has_target());
    EXPECT_EQ(config.target.conninfo, "");
    const std::string shown = config_json(config, true);
    EXPECT_EQ(config_json(config_of(shown), true), shown);
  }
  EXPECT_TRUE(config_of(with_keys("")).has_target());
}

TEST(KafkaKeys, DoNotHideThatTheTargetIsMissing) {
  const std::string begin = R"({"pipeline": "p", "source": {"conninfo": ""})";
  EXPECT_EQ(mistakes_of(begin + "}"), "target.conninfo: is missing\n");
  EXPECT_EQ(mistakes_of(begin + R"(, "target": {"conninfo": null}, "kafka": null})"), "target.conninfo: is missing\n");
  EXPECT_EQ(mistakes_of(begin + R"(, "kafka": {}})"),
            R"(kafka.properties: is missing: name the brokers, {"bootstrap.servers": "host:9092"})"
            "\n")
      << "one mistake, not two";
}

TEST(KafkaKeys, LeaveNothingToMigrateWithoutATarget) {
  EXPECT_EQ(mistakes_of(R"({"pipeline": "p", "source": {"conninfo": ""}, "migrations": {"directory": "m"},
                            "kafka": {"properties": {"bootstrap.servers": "h:1"}}})"),
            "migrations.directory: there is no target.conninfo, and so nothing to migrate\n");
}

TEST(KafkaKeys, LeaveRoomForTheNameOfTheMirrorsSlot) {
  const auto told = [](std::size_t length, const std::string& kafka) {
    return mistakes_of(R"({"pipeline": "p", "source": {"conninfo": "", "slot": ")" + std::string(length, 's') +
                       R"("}, "target": {"conninfo": ""}, "kafka": )" + kafka + "}");
  };
  const std::string on = R"({"properties": {"bootstrap.servers": "h:1"}})";
  EXPECT_EQ(told(56, on), "");
  EXPECT_EQ(told(57, on), "source.slot: \"" + std::string(57, 's') +
                              "\" has 57 characters, and with kafka it may have at most 56: the mirror's own slot has "
                              "the same name and \"_mirror\"\n");
  EXPECT_EQ(told(63, "null"), "");
}

TEST(KafkaProperties, AreWhatAPropertyFileCouldHold) {
  EXPECT_EQ(
      mistakes_of(with_properties(R"(, "a": null, "b": [], "c": {}, "d": {"env": "X", "file": "y"},
                                           "e": {"vault": "x"}, "f": {"env": 1}, "g": {"file": ""}, "": "x",
                                           "h": "x\u0000y", "linger.ms": 5, "linger.ms": 6)")),
      R"(kafka.properties.a: must be a string, a number, true, false, {"env": "NAME"} or {"file": "path"}, not null
kafka.properties.b: must be a string, a number, true, false, {"env": "NAME"} or {"file": "path"}, not an array
kafka.properties.c: must be a string, a number, true, false, {"env": "NAME"} or {"file": "path"}, not another object
kafka.properties.d: must be a string, a number, true, false, {"env": "NAME"} or {"file": "path"}, not another object
kafka.properties.e.vault: must be "env" or "file"
kafka.properties.f.env: must be a string, not an integer
kafka.properties.g.file: must not be empty
kafka.properties[""]: is no name of a property
kafka.properties.h: must not hold the character \u0000
kafka.properties["linger.ms"]: is given twice
)");
}

TEST(KafkaProperties, AreShownWithoutSecrets) {
  const std::string shown = config_json(config_of(with_properties(R"(, "sasl.username": "u", "sasl.password": "hunter2",
                                                "ssl.key.pem": "hunter2", "sasl.oauthbearer.client.secret": "hunter2")")),
                                        false);
  EXPECT_NE(shown.find(R"("properties":{"bootstrap.servers":"h:1","sasl.oauthbearer.client.secret":"***",)"
                       R"("sasl.password":"***","sasl.username":"u","ssl.key.pem":"***"})"),
            std::string::npos)
      << shown;
  EXPECT_EQ(shown.find("hunter2"), std::string::npos);
}

TEST(KafkaProperties, MayComeFromTheEnvironment) {
  setenv("WALGATE_TEST_SECRET", "hunter2", 1);
  setenv("WALGATE_TEST_EMPTY", "", 1);
  unsetenv("WALGATE_TEST_NONE");
  const Config config = config_of(with_properties(R"(, "sasl.password": {"env": "WALGATE_TEST_SECRET"})"));
  EXPECT_EQ(config.kafka.properties.at("sasl.password"), "hunter2");
  EXPECT_EQ(config_json(config, false).find("hunter2"), std::string::npos);
  EXPECT_EQ(mistakes_of(with_properties(
                R"(, "a": {"env": "WALGATE_TEST_NONE"}, "b": {"env": "WALGATE_TEST_EMPTY"}, "c": {"env": ""})")),
            "kafka.properties.a.env: the environment variable \"WALGATE_TEST_NONE\" is not set\n"
            "kafka.properties.b.env: the environment variable \"WALGATE_TEST_EMPTY\" is empty\n"
            "kafka.properties.c.env: must not be empty\n");
}

class KafkaPropertyFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "walgate_kafka_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::create_directory(folder_ / "secrets");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // What the configuration in `folder_` becomes, with the value from that file.
  [[nodiscard]] LoadedConfig with_value_from(const std::string& file) const {
    const auto path = folder_ / "walgate.json";
    std::ofstream{path} << with_properties(R"(, "sasl.password": {"file": ")" + file + "\"}");
    return load_config(path.string());
  }
  [[nodiscard]] LoadedConfig with_value(const std::string& value) const {
    std::ofstream{folder_ / "secrets" / "kafka", std::ios::binary} << value;
    return with_value_from("secrets/kafka");
  }
  [[nodiscard]] std::string password(const std::string& value) const {
    const auto loaded = with_value(value);
    EXPECT_EQ(mistakes_in(loaded), "");
    return std::get<Config>(loaded).kafka.properties.at("sasl.password");
  }

  std::filesystem::path folder_;
};

TEST_F(KafkaPropertyFile, IsFoundFromTheConfigurationsFolderOn) {
  EXPECT_EQ(password("hunter2"), "hunter2");
  EXPECT_EQ(mistakes_in(with_value_from("./secrets/../secrets/kafka")), "");
  EXPECT_EQ(mistakes_in(with_value_from((folder_ / "secrets" / "kafka").string())), "");
}

TEST_F(KafkaPropertyFile, LosesOneLineEnd) {
  EXPECT_EQ(password("hunter2\n"), "hunter2");
  EXPECT_EQ(password("hunter2\r\n"), "hunter2");
  EXPECT_EQ(password("-----BEGIN\n-----END\n\n"), "-----BEGIN\n-----END\n");
  EXPECT_EQ(password(" hunter2 "), " hunter2 ");
}

TEST_F(KafkaPropertyFile, ThatCannotBeUsedIsAMistake) {
  const std::string at = "kafka.properties[\"sasl.password\"].file: \"" + folder_.string();
  EXPECT_EQ(mistakes_in(with_value_from("secrets/none")),
            at + "/secrets/none\": could not open the file: No such file or directory\n");
  EXPECT_EQ(mistakes_in(with_value_from("secrets")), at + "/secrets\": it is a directory, not a file\n");
  EXPECT_EQ(mistakes_in(with_value_from("/dev/zero")),
            "kafka.properties[\"sasl.password\"].file: \"/dev/zero\": the file is larger than 1 MB\n");
  EXPECT_EQ(mistakes_in(with_value("\n")), at + "/secrets/kafka\": the file is empty\n");
  EXPECT_EQ(mistakes_in(with_value(std::string{"hunter\0two", 10})),
            "kafka.properties[\"sasl.password\"].file: must not hold the character \\u0000\n");
}

}  // namespace
}  // namespace walgate
