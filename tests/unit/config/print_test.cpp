// print_test.cpp - what `walgate config` prints, and docs/configuration.md against it.

#include "config/print.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "config/load.hpp"

namespace walgate {
namespace {

using nlohmann::ordered_json;

Config config_of(const std::string& json) {
  return std::get<Config>(parse_config(json));
}

TEST(ConfigReference, IsTheTableOfTheDocument) {
  std::ifstream file{WALGATE_SOURCE_DIR "/docs/configuration.md"};
  std::ostringstream text;
  text << file.rdbuf();
  const std::string document = text.str();
  EXPECT_NE(document.find("\n\n" + config_reference() + "\n"), std::string::npos)
      << "docs/configuration.md does not hold what `walgate config reference` prints:\n"
      << config_reference();
}

TEST(ConfigDocument, HoldsExamplesThatAreConfigurations) {
  setenv("KAFKA_PASSWORD", "hunter2", 1);  // one of the examples takes it from there
  std::ifstream file{WALGATE_SOURCE_DIR "/docs/configuration.md"};
  std::string example;
  std::size_t found = 0;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "```json") {
      inside = true;
      example.clear();
    } else if (line == "```" && inside) {
      inside = false;
      ++found;
      EXPECT_TRUE(std::holds_alternative<Config>(parse_config(example))) << example;
    } else if (inside) {
      example += line + '\n';
    }
  }
  EXPECT_EQ(found, 2U);
}

TEST(ConfigJson, ShowsDefaultsAndHidesPasswords) {
  EXPECT_EQ(
      config_json(config_of(R"({"pipeline": "p", "source": {"conninfo": "password=x"}, "target": {"conninfo": ""},
                                      "tables": [{"source": "a.*", "columns": {"x": null}}]})"),
                  false),
      R"({"pipeline":"p","source":{"conninfo":"password=********","slot":"p","publications":["p"],)"
      R"("decoding_work_mem":"256MB","origin":"any"},"target":{"conninfo":"","replica_role":"auto"},"tables":[{"source":"a.*",)"
      R"("target":"a.*","columns":{"x":null},"cast":{},"on_missing":"stop","on_duplicate":"stop",)"
      R"("on_extra_column":"gate","on_dropped_column":"gate","topic":"","key":[],"partitions":0}],"on_new_table":"gate",)"
      R"("copy":{"enabled":true,"existing_rows":"refuse","workers":2,"rows_per_second":0,"max_snapshot_age":"0s"},)"
      R"("migrations":{"directory":null,"conninfo":null,"at_announcement":"wait","lock_timeout":"5s"},"kafka":null,)"
      R"("http":{"listen":"127.0.0.1:8432"},)"
      R"("limits":{"batch_rows":20000,"batch_bytes":"8MB","queue_bytes":"64MB"}})");
}

TEST(ConfigJson, HidesThePasswordOfTheMigrationsToo) {
  EXPECT_NE(
      config_json(config_of(R"({"pipeline": "p", "source": {"conninfo": ""}, "target": {"conninfo": ""},
                                      "migrations": {"directory": "m", "conninfo": "user=o password=x"}})"),
                  false)
          .find(R"("migrations":{"directory":"m","conninfo":"user=o password=********","at_announcement":"apply",)"),
      std::string::npos);
}

TEST(ConfigJson, IsAConfigurationThatSaysTheSame) {
  const std::string shown =
      config_json(config_of(R"({"pipeline": "p", "source": {"conninfo": "dbname='a b'", "decoding_work_mem": "66000B"}
                    , "target": {"conninfo": "postgresql://h/d"}, "http": {"listen": "[::1]:9"},
                    "tables": [{"source": "a.*", "target": null}, {"source": "\"B\".c", "on_duplicate": "skip"}]})"
                            ""),
                  true);
  EXPECT_EQ(config_json(config_of(shown), true), shown);
}

TEST(ConfigSchema, KnowsEveryKeyOfTheReferenceAndNoOther) {
  const ordered_json schema = ordered_json::parse(config_schema());
  EXPECT_EQ(schema["required"], ordered_json::parse(R"(["pipeline", "source"])"));
  EXPECT_EQ(schema["anyOf"], ordered_json::parse(R"([
      {"required": ["target"], "properties": {"target": {"required": ["conninfo"],
                                                         "properties": {"conninfo": {"type": "string"}}}}},
      {"required": ["kafka"], "properties": {"kafka": {"type": "object"}}}])"));
  EXPECT_EQ(schema["properties"]["kafka"]["required"], ordered_json::parse(R"(["properties"])"));
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["properties"]["source"]["required"], ordered_json::parse(R"(["conninfo"])"));
  EXPECT_EQ(schema["properties"]["tables"]["items"]["required"], ordered_json::parse(R"(["source"])"));
  std::size_t keys = 0;
  for (const auto& [name, section] : schema["properties"].items()) {
    const ordered_json& inner = section.contains("items") ? section["items"] : section;
    keys += inner.contains("properties") ? inner["properties"].size() : 0;
    if (!section.contains("properties")) ++keys;
  }
  const std::string reference = config_reference();
  const auto lines = static_cast<std::size_t>(std::count(reference.begin(), reference.end(), '\n'));
  EXPECT_EQ(keys, lines - 2) << "two lines are the head of the table";
}

}  // namespace
}  // namespace walgate
