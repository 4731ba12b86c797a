// load_test.cpp - configuration files: what is read, and how mistakes are told.

#include "config/load.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace walgate {
namespace {

// The mistakes, one a line; "" when there is none.
std::string mistakes_in(const LoadedConfig& loaded) {
  std::string lines;
  if (const auto* mistakes = std::get_if<Mistakes>(&loaded)) {
    for (const Mistake& mistake : *mistakes) lines += mistake.sentence() + '\n';
  }
  return lines;
}

std::string mistakes_of(std::string_view json) {
  return mistakes_in(parse_config(json));
}

// A file that is right but for `more`, which begins with a comma.
std::string with(const std::string& more) {
  return R"({"pipeline": "p", "source": {"conninfo": ""}, "target": {"conninfo": ""})" + more + "}";
}
std::string with_rule(const std::string& rule) {
  return with(R"(, "tables": [)" + rule + "]");
}

Config config_of(const std::string& json) {
  LoadedConfig loaded = parse_config(json);
  EXPECT_EQ(mistakes_in(loaded), "");
  return std::get<Config>(std::move(loaded));
}

TEST(Config, FillsInDefaults) {
  const Config config = config_of(R"({"pipeline": "orders", "source": {"conninfo": "dbname=a"},
                                      "target": {"conninfo": "dbname=b"}})");
  EXPECT_EQ(config.pipeline, "orders");
  EXPECT_EQ(config.source.conninfo, "dbname=a");
  EXPECT_EQ(config.source.slot, "orders");
  EXPECT_EQ(config.source.publications, std::vector<std::string>{"orders"});
  EXPECT_EQ(config.source.decoding_work_mem_bytes, 256U << 20U);
  EXPECT_EQ(config.target.conninfo, "dbname=b");
  EXPECT_EQ(config.target.replica_role, ReplicaRole::automatic);
  EXPECT_TRUE(config.tables.empty());
  EXPECT_EQ(config.http.host, "127.0.0.1");
  EXPECT_EQ(config.http.port, 8432);
  EXPECT_EQ(config.limits.batch_rows, 20000U);
  EXPECT_EQ(config.limits.batch_bytes, 8U << 20U);
  EXPECT_EQ(config.limits.queue_bytes, 64U << 20U);
}

TEST(Config, TakesThePipelinesNameAsDefaultAlsoWhenItStandsLast) {
  const Config config = config_of(R"({"target": {"conninfo": ""}, "source": {"conninfo": ""}, "pipeline": "orders"})");
  EXPECT_EQ(config.source.slot, "orders");
}

TEST(Config, ReadsEveryKey) {
  const Config config = config_of(R"json({
    "pipeline": "requisition",
    "source": {"conninfo": "dbname=lmis", "slot": "s_1", "publications": ["Öl", "b"], "decoding_work_mem": "64kB"},
    "target": {"conninfo": "postgresql://h/lmis", "replica_role": "never"},
    "tables": [
      {"source": "r.messages", "target": "batch.messages", "columns": {"body": "message", "draft": null},
       "cast": {"message": "varchar(2000)"}, "on_missing": "skip", "on_duplicate": "overwrite"},
      {"source": "r.secret", "target": null},
      {"source": "r.*"}
    ],
    "copy": {"enabled": false, "existing_rows": "keep", "workers": 7, "rows_per_second": 10000,
             "max_snapshot_age": "2 h"},
    "http": {"listen": "[::1]:1"},
    "limits": {"batch_rows": 1, "batch_bytes": "1 MB", "queue_bytes": "1MB"}
  })json");
  EXPECT_EQ(config.source.slot, "s_1");
  EXPECT_EQ(config.source.publications, (std::vector<std::string>{"Öl", "b"}));
  EXPECT_EQ(config.source.decoding_work_mem_bytes, 65536U);
  EXPECT_EQ(config.target.replica_role, ReplicaRole::never);
  ASSERT_EQ(config.tables.size(), 3U);
  const TableRule& rule = config.tables[0];
  EXPECT_EQ(rule.path, "tables[0]");
  EXPECT_EQ(rule.source.text(), "r.messages");
  EXPECT_EQ(rule.target.value().text(), "batch.messages");
  EXPECT_EQ(rule.columns.at("body"), "message");
  EXPECT_EQ(rule.columns.at("draft"), std::nullopt);
  EXPECT_EQ(rule.cast.at("message"), "varchar(2000)");
  EXPECT_EQ(rule.on_missing, OnMissing::skip);
  EXPECT_EQ(rule.on_duplicate, OnDuplicate::overwrite);
  EXPECT_EQ(config.tables[1].target, std::nullopt);
  EXPECT_EQ(config.tables[2].target.value().text(), "r.*") << "no target: the same name";
  EXPECT_FALSE(config.copy.enabled);
  EXPECT_EQ(config.copy.existing_rows, ExistingRows::keep);
  EXPECT_EQ(config.copy.workers, 7U);
  EXPECT_EQ(config.copy.rows_per_second, 10000U);
  EXPECT_EQ(config.copy.max_snapshot_age, std::chrono::hours{2});
  EXPECT_EQ(config.http.host, "::1");
  EXPECT_EQ(config.http.port, 1);
  EXPECT_EQ(config.limits.batch_bytes, 1U << 20U);
}

TEST(Config, RefusesWhatIsNoTruthOrTime) {
  EXPECT_EQ(mistakes_of(with(R"(, "copy": {"enabled": "no", "max_snapshot_age": 10, "workers": 0})")),
            "copy.enabled: must be true or false, not a string\n"
            "copy.workers: must be between 1 and 64\n"
            "copy.max_snapshot_age: must be a string such as \"10s\", not an integer\n");
  for (const auto* text : {"10", "s", "1.5s", "10 weeks", "-1s", "10us", "99999999999999d"}) {
    EXPECT_EQ(mistakes_of(with(std::string{R"(, "copy": {"max_snapshot_age": ")"} + text + "\"}")),
              "copy.max_snapshot_age: must be a whole number and a unit (ms, s, min, h or d), such as \"10s\", not \"" +
                  std::string{text} + "\"\n");
  }
}

TEST(Config, LeavesMigrationsToARoleThatMayWaitByDefault) {
  const Config plain = config_of(with(""));
  EXPECT_EQ(plain.migrations.directory, "");
  EXPECT_EQ(plain.migrations.conninfo, std::nullopt);
  EXPECT_EQ(plain.migrations.at_announcement, AtAnnouncement::wait);
  EXPECT_EQ(plain.migrations.lock_timeout, std::chrono::seconds{5});
  const Config own = config_of(with(R"(, "migrations": {"directory": "m", "conninfo": "user=o", "lock_timeout": "1ms"})"));
  EXPECT_EQ(own.migrations.directory, "m");
  EXPECT_EQ(own.migrations.conninfo, "user=o");
  EXPECT_EQ(own.migrations.at_announcement, AtAnnouncement::apply);
  EXPECT_EQ(own.migrations.lock_timeout, std::chrono::milliseconds{1});
  EXPECT_EQ(config_of(with(R"(, "migrations": {"conninfo": "", "at_announcement": "wait"})")).migrations.at_announcement,
            AtAnnouncement::wait);
  EXPECT_EQ(config_of(with(R"(, "migrations": {"conninfo": null})")).migrations.at_announcement, AtAnnouncement::wait);
}

TEST(Config, RefusesMistakesAboutMigrations) {
  EXPECT_EQ(mistakes_of(with(R"(, "migrations": {"directory": "", "conninfo": 1, "at_announcement": "never",
                                                "lock_timeout": "0s"})")),
            "migrations.directory: must not be empty\n"
            "migrations.conninfo: must be a string, not an integer\n"
            "migrations.at_announcement: must be \"apply\" or \"wait\", not \"never\"\n"
            "migrations.lock_timeout: must be between 1ms and 1d, not \"0s\"\n");
  EXPECT_EQ(mistakes_of(with(R"(, "migrations": {"lock_timeout": "25h"})")),
            "migrations.lock_timeout: must be between 1ms and 1d, not \"25h\"\n");
  EXPECT_EQ(mistakes_of(with(R"(, "migrations": "m")")), "migrations: must be an object, not a string\n");
}

TEST(Config, TakesTheFolderOfMigrationsFromWhereTheFileIs) {
  std::string folder = (std::filesystem::temp_directory_path() / "walgate_load_XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const auto directory_of = [&](const std::string& directory) {
    std::ofstream{folder + "/a.json"} << with(R"(, "migrations": {"directory": ")" + directory + "\"}");
    return std::get<Config>(load_config(folder + "/a.json")).migrations.directory;
  };
  EXPECT_EQ(directory_of("m"), folder + "/m");
  EXPECT_EQ(directory_of("../m"), std::filesystem::path{folder}.parent_path().string() + "/m");
  EXPECT_EQ(directory_of("/etc/m"), "/etc/m");
  std::filesystem::remove_all(folder);
}

TEST(Config, TakesNullForNoListener) {
  EXPECT_EQ(config_of(with(R"(, "http": {"listen": null})")).http.host, "");
}

TEST(Config, TakesAByteOrderMark) {
  EXPECT_EQ(mistakes_of("\xef\xbb\xbf" + with("")), "");
}

TEST(Config, FindsAllMistakesInOneRun) {
  EXPECT_EQ(mistakes_of(R"({
    "pipelin": 1,
    "source": {"conninfo": 5, "slot": "Orders", "publications": []},
    "tables": [
      {"source": "a.b", "on_missing": "ignore"},
      {"target": "a.b", "columns": {"x": 1}},
      "a.b"
    ],
    "limits": {"batch_rows": 0}
  })"),
            "pipelin: unknown key; did you mean \"pipeline\"?\n"
            "pipeline: is missing\n"
            "source.conninfo: must be a string, not an integer\n"
            "source.slot: must be 1 to 63 small letters, digits and underscores, not \"Orders\"\n"
            "source.publications: must hold at least one name\n"
            "target.conninfo: is missing\n"
            "tables[0].on_missing: must be \"stop\" or \"skip\", not \"ignore\"\n"
            "tables[1].source: is missing\n"
            "tables[1].columns.x: must be a string or null, not an integer\n"
            "tables[2]: must be an object, not a string\n"
            "limits.batch_rows: must be between 1 and 10000000\n");
}

TEST(Config, SuggestsAKeyOfAnotherSectionByItsName) {
  EXPECT_EQ(mistakes_of(with(R"(, "slot": "a")")), "slot: unknown key; did you mean source.slot?\n");
}

TEST(Config, SuggestsNothingForAKeyLikeNoOther) {
  EXPECT_EQ(mistakes_of(with(R"(, "something_else": 1)")), "something_else: unknown key\n");
}

TEST(Config, RefusesUnknownKeysAtDepth) {
  EXPECT_EQ(mistakes_of(with_rule(R"({"source": "a.b", "colums": {}})")),
            "tables[0].colums: unknown key; did you mean \"columns\"?\n");
}

TEST(Config, RefusesKeysThatAreGivenTwice) {
  EXPECT_EQ(mistakes_of(with(R"(, "pipeline": "q")")), "pipeline: is given twice\n");
  EXPECT_EQ(mistakes_of(with_rule(R"({"source": "a.b", "columns": {"x": "y", "x": null}})")),
            "tables[0].columns.x: is given twice\n");
}

TEST(Config, RefusesOtherTypesOfSections) {
  EXPECT_EQ(mistakes_of(with(R"(, "tables": {}, "http": null, "limits": [])")),
            "tables: must be an array of objects, not an object\n"
            "http: must be an object, not null\n"
            "limits: must be an object, not an array\n");
}

TEST(Config, RefusesNamesThatAreNoPipelineName) {
  for (const std::string bad : {"", "Orders", "or-ders", "ä", "a b"}) {
    EXPECT_EQ(mistakes_of(R"({"pipeline": ")" + bad + R"(", "source": {"conninfo": ""}, "target": {"conninfo": ""}})"),
              "pipeline: must be 1 to 48 small letters, digits and underscores, not \"" + bad + "\"\n");
  }
  const std::string longest(48, 'a');
  EXPECT_EQ(
      mistakes_of(R"({"pipeline": ")" + longest + R"(", "source": {"conninfo": ""}, "target": {"conninfo": ""}})"), "");
  EXPECT_NE(
      mistakes_of(R"({"pipeline": ")" + longest + R"(a", "source": {"conninfo": ""}, "target": {"conninfo": ""}})"),
      "");
}

TEST(Config, ChecksPublications) {
  const auto told = [](const std::string& list) {
    return mistakes_of(R"({"pipeline": "p", "source": {"conninfo": "", "publications": )" + list +
                       R"(}, "target": {"conninfo": ""}})");
  };
  EXPECT_EQ(told(R"("a")"), "source.publications: must be an array of strings, not a string\n");
  EXPECT_EQ(told(R"(["a", null, "", "a"])"),
            "source.publications[1]: must be a string, not null\n"
            "source.publications[2]: must not be empty\n"
            "source.publications[3]: \"a\" is given twice\n");
}

TEST(Config, ReadsSizesAsPostgresqlWritesThem) {
  const auto bytes = [](const std::string& text) {
    return config_of(with(R"(, "limits": {"queue_bytes": ")" + text + R"("})")).limits.queue_bytes;
  };
  EXPECT_EQ(bytes("8388608B"), 8U << 20U);
  EXPECT_EQ(bytes("16384kB"), 16U << 20U);
  EXPECT_EQ(bytes("64MB"), 64U << 20U);
  EXPECT_EQ(bytes("2GB"), std::uint64_t{2} << 30U);
  EXPECT_EQ(bytes("64 GB"), std::uint64_t{64} << 30U);
}

TEST(Config, RefusesOtherSizes) {
  for (const std::string bad : {"64mb", "64", "", "MB", "1.5GB", "-1MB", "64MB ", "0x10MB", "99999999999999999999MB",
                                "18446744073709551615TB"}) {
    EXPECT_EQ(mistakes_of(with(R"(, "limits": {"queue_bytes": ")" + bad + R"("})")),
              "limits.queue_bytes: must be a whole number and a unit (B, kB, MB, GB or TB), such as \"8MB\", not \"" +
                  bad + "\"\n");
  }
  EXPECT_EQ(mistakes_of(with(R"(, "limits": {"queue_bytes": 64})")),
            "limits.queue_bytes: must be a string such as \"8MB\", not an integer\n");
  EXPECT_EQ(mistakes_of(with(R"(, "limits": {"queue_bytes": "65GB"})")),
            "limits.queue_bytes: must be between 1MB and 64GB, not \"65GB\"\n");
}

TEST(Config, RefusesAQueueThatCannotHoldABatch) {
  EXPECT_EQ(mistakes_of(with(R"(, "limits": {"batch_bytes": "9MB", "queue_bytes": "8MB"})")),
            "limits.queue_bytes: 8MB is less than limits.batch_bytes, 9MB\n");
}

TEST(Config, RefusesOtherIntegers) {
  const auto told = [](const std::string& value) {
    return mistakes_of(with(R"(, "limits": {"batch_rows": )" + value + "}"));
  };
  EXPECT_EQ(told("1.5"), "limits.batch_rows: must be an integer, not a number with a fraction\n");
  EXPECT_EQ(told("\"1\""), "limits.batch_rows: must be an integer, not a string\n");
  EXPECT_EQ(told("true"), "limits.batch_rows: must be an integer, not true\n");
  EXPECT_EQ(told("-1"), "limits.batch_rows: must be between 1 and 10000000\n");
  EXPECT_EQ(told("18446744073709551615"), "limits.batch_rows: must be between 1 and 10000000\n");
}

TEST(Config, RefusesOtherAddresses) {
  for (const std::string bad : {"", "8432", ":8432", "localhost", "localhost:", "localhost:0", "localhost:65536",
                                "localhost:80x", "::1:80", "[::1]", "http://a:1", "a b:1", "*:80"}) {
    EXPECT_NE(mistakes_of(with(R"(, "http": {"listen": ")" + bad + R"("})")).find("http.listen: must be host:port"),
              std::string::npos)
        << bad;
  }
}

TEST(Config, RefusesTableNamesThatAreNone) {
  EXPECT_EQ(mistakes_of(with_rule(R"({"source": "orders", "target": "a.b.c"})")),
            "tables[0].source: \"orders\" is no table name or pattern: the schema is missing: write schema.table\n"
            "tables[0].target: \"a.b.c\" is no table name or pattern: there are more than two parts: write "
            "schema.table, with double quotes around a name that has a dot\n");
}

TEST(Config, RefusesATargetStarWithoutASourceStar) {
  EXPECT_EQ(mistakes_of(with_rule(R"({"source": "a.b", "target": "c.*"})")),
            "tables[0].target: \"c.*\" has a \"*\" in a part where the source \"a.b\" has none\n");
}

TEST(Config, RefusesTwoColumnsToOne) {
  EXPECT_EQ(mistakes_of(with_rule(R"({"source": "a.b", "columns": {"x": "z", "y": "z"}})")),
            "tables[0].columns.y: \"z\" is the target of column \"x\" already\n");
}

TEST(Config, RefusesARuleThatCanNeverMatch) {
  EXPECT_EQ(
      mistakes_of(with_rule(R"({"source": "a.*"}, {"source": "b.c"}, {"source": "A.x", "target": null},
                                     {"source": "b.c"}, {"source": "b.*"})")),
      "tables[2].source: \"A.x\" can never match, because tables[0] with \"a.*\" comes first and takes all of it\n"
      "tables[3].source: \"b.c\" can never match, because tables[1] with \"b.c\" comes first and takes all of it\n");
}

TEST(Config, WritesPathsOfOddColumnNamesInBrackets) {
  EXPECT_EQ(mistakes_of(with_rule(R"({"source": "a.b", "columns": {"my \"col\"": 1}, "cast": {"": "int", "c": " "}})")),
            "tables[0].columns[\"my \\\"col\\\"\"]: must be a string or null, not an integer\n"
            "tables[0].cast[\"\"]: must not be empty\n"
            "tables[0].cast.c: must not be empty\n");
}

TEST(Config, RefusesZeroCharactersAndLongNames) {
  EXPECT_EQ(mistakes_of(with_rule(R"({"source": "a.b", "columns": {"x": "y\u0000"}, "cast": {"x": "in\u0000t"}})")),
            "tables[0].columns.x: must not hold the character \\u0000\n"
            "tables[0].cast.x: must not hold the character \\u0000\n");
  const std::string name(64, 'n');
  EXPECT_EQ(mistakes_of(with_rule(R"({"source": "a.b", "columns": {"x": ")" + name + R"("}})")),
            "tables[0].columns.x: \"" + name + "\" is longer than 63 bytes, the most PostgreSQL keeps of a name\n");
}

TEST(Config, RefusesConnectionStringsWithoutShowingThem) {
  const auto told = [](const std::string& conninfo) {
    return mistakes_of(R"({"pipeline": "p", "source": {"conninfo": ")" + conninfo +
                       R"("}, "target": {"conninfo": ""}})");
  };
  EXPECT_EQ(told("hots=a"), "source.conninfo: is no connection string of libpq: invalid connection option \"...\"\n");
  EXPECT_EQ(
      told("password=my secret"),
      "source.conninfo: is no connection string of libpq: missing \"=\" after \"...\" in connection info string\n");
  EXPECT_EQ(told("postgresql://u:sec%zzret@h/d").find("sec"), std::string::npos);
  EXPECT_EQ(told("password=my se=cret"),
            "source.conninfo: is no connection string of libpq: invalid connection option \"...\"\n");
}

TEST(ConfigSyntax, TellsLineAndColumn) {
  EXPECT_EQ(mistakes_of("{\n  \"pipeline\": \"p\",\n  oops\n}"),
            "line 3, column 3: this is not valid JSON: invalid literal; expected string literal\n");
  EXPECT_EQ(mistakes_of("{\"a\": 1,}"),
            "line 1, column 9: this is not valid JSON: unexpected '}'; expected string literal\n");
  EXPECT_EQ(mistakes_of("{\"a\": 1"),
            "line 1, column 8: this is not valid JSON: unexpected end of input; expected '}'\n");
  EXPECT_EQ(mistakes_of("{} {}"), "line 1, column 4: this is not valid JSON: unexpected '{'; expected end of input\n");
}

TEST(ConfigSyntax, DoesNotShowTheTextOfTheFile) {
  const std::string told = mistakes_of("{\"source\": {\"conninfo\": \"password=hidden\n\"}}");
  EXPECT_NE(told.find("line 1, column"), std::string::npos) << told;
  EXPECT_EQ(told.find("hidden"), std::string::npos) << told;
}

TEST(ConfigSyntax, RefusesTextThatIsNotUtf8) {
  EXPECT_NE(mistakes_of("{\"pipeline\": \"\xff\"}").find("this is not valid JSON"), std::string::npos);
}

TEST(ConfigSyntax, SurvivesDeepNesting) {
  EXPECT_NE(mistakes_of(std::string(100000, '[')).find("this is not valid JSON"), std::string::npos);
}

TEST(ConfigSyntax, RefusesFilesThatAreNoObject) {
  EXPECT_EQ(mistakes_of("[]"), "the file must be an object, not an array\n");
  EXPECT_EQ(mistakes_of("null"), "the file must be an object, not null\n");
  EXPECT_EQ(mistakes_of("\"{}\""), "the file must be an object, not a string\n");
}

TEST(ConfigSyntax, RefusesEmptyFiles) {
  EXPECT_EQ(mistakes_of(""), "the file is empty\n");
  EXPECT_EQ(mistakes_of(" \n\t"), "the file is empty\n");
}

class ConfigFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "walgate_config_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }

  std::filesystem::path folder_;
};

TEST_F(ConfigFile, IsRead) {
  std::ofstream{path("good.json")} << with("");
  EXPECT_EQ(mistakes_in(load_config(path("good.json"))), "");
}

TEST_F(ConfigFile, ThatIsMissingIsAMistake) {
  EXPECT_EQ(mistakes_in(load_config(path("none.json"))), "could not open the file: No such file or directory\n");
}

TEST_F(ConfigFile, ThatIsAFolderIsAMistake) {
  EXPECT_EQ(mistakes_in(load_config(folder_.string())), "it is a directory, not a file\n");
}

TEST_F(ConfigFile, ThatMayNotBeReadIsAMistake) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  std::ofstream{path("locked.json")} << "{}";
  chmod(path("locked.json").c_str(), 0);
  EXPECT_EQ(mistakes_in(load_config(path("locked.json"))), "could not open the file: Permission denied\n");
}

TEST_F(ConfigFile, ThatNeverEndsIsAMistake) {
  EXPECT_EQ(mistakes_in(load_config("/dev/zero")), "the file is larger than 16 MB\n");
}

}  // namespace
}  // namespace walgate
