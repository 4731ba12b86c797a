// command_line_test.cpp - usage, configuration and help, as a user of the shell meets them; no server needed.

#include "cli/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "errors/error.hpp"
#include "observe/http.hpp"

namespace walgate::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

Outcome walgate(std::vector<std::string> arguments) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = command_line(std::move(arguments), {out, err});
  return {code, out.str(), err.str()};
}

class CommandLine : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("WALGATE_CONFIG");
    std::string name = (std::filesystem::temp_directory_path() / "walgate_cli_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    unsetenv("WALGATE_CONFIG");
    std::filesystem::remove_all(folder_);
  }
  // A file with this text; its path.
  std::string file(const std::string& text) {
    std::string path = (folder_ / ("config" + std::to_string(files_++) + ".json")).string();
    std::ofstream{path} << text;
    return path;
  }
  std::string good_file(const std::string& more = "") {
    return file(R"({"pipeline": "p", "source": {"conninfo": "dbname=a password=hidden"}, "target": {"conninfo": ""})" +
                more + "}");
  }

  std::filesystem::path folder_;
  int files_ = 0;
};

TEST_F(CommandLine, WithoutACommandIsAMistake) {
  const Outcome outcome = walgate({});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "walgate: a command is missing\nhint: walgate --help\n");
  EXPECT_EQ(walgate({"config"}).err, "walgate: a command is missing\nhint: walgate config --help\n");
}

TEST_F(CommandLine, NamesWhatItDoesNotKnow) {
  EXPECT_EQ(walgate({"frob"}).err, "walgate: unknown command \"frob\"\nhint: walgate --help\n");
  EXPECT_EQ(walgate({"config", "frob"}).err, "walgate: unknown command \"frob\"\nhint: walgate config --help\n");
  EXPECT_EQ(walgate({"check", "--frob"}).err, "walgate: unknown option \"--frob\"\nhint: walgate check --help\n");
  EXPECT_EQ(walgate({"check", "x.json"}).err, "walgate: unknown argument \"x.json\"\nhint: walgate check --help\n");
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"frob"}, {"check", "--frob"}, {"check", "x"}}) {
    EXPECT_EQ(walgate(arguments).code, 1);
  }
}

TEST_F(CommandLine, ChecksTheValuesOfOptions) {
  const std::string config = good_file();
  EXPECT_EQ(walgate({"skip", "--config", config}).err, "walgate: --lsn is required\nhint: walgate skip --help\n");
  for (const char* bad : {"", "zz", "0/0", "0/", "123"}) {
    const Outcome outcome = walgate({"skip", "--config", config, "--lsn", bad});
    EXPECT_EQ(outcome.code, 1) << bad;
    EXPECT_THAT(outcome.err, HasSubstr("is no LSN such as 0/4FFFF00")) << bad;
  }
  EXPECT_THAT(walgate({"run", "--config", config, "--log-level", "loud"}).err, HasSubstr("\"loud\" is none of "));
  EXPECT_THAT(walgate({"run", "--config", config, "--log-format", "xml"}).err, HasSubstr("\"xml\" is none of "));
}

TEST_F(CommandLine, ChecksTheNumberOfAMigration) {
  for (const char* bad : {"", "0", "x", "10000", "-1", "7_a", "1.5"}) {
    const Outcome outcome = walgate({"migrate", "up", "--config", good_file(), "--to", bad});
    EXPECT_EQ(outcome.code, 1) << bad;
    EXPECT_THAT(outcome.err, HasSubstr("is no number of a migration, 1 to 9999")) << bad;
  }
}

TEST_F(CommandLine, EveryCommandHasHelpWithADescriptionAndAnExample) {
  for (const auto& command : std::vector<std::vector<std::string>>{{},
                                                                   {"init"},
                                                                   {"check"},
                                                                   {"run"},
                                                                   {"status"},
                                                                   {"remove"},
                                                                   {"skip"},
                                                                   {"accept"},
                                                                   {"migrate"},
                                                                   {"migrate", "status"},
                                                                   {"migrate", "up"},
                                                                   {"migrate", "verify"},
                                                                   {"config"},
                                                                   {"config", "show"},
                                                                   {"config", "schema"},
                                                                   {"config", "reference"},
                                                                   {"version"}}) {
    auto arguments = command;
    arguments.emplace_back("--help");
    const Outcome outcome = walgate(arguments);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(outcome.err, "");
    std::string usage = "walgate ";
    for (const auto& word : command) usage += word + " ";
    EXPECT_THAT(outcome.out, HasSubstr(usage + "[OPTIONS]"));
    EXPECT_THAT(outcome.out, HasSubstr("Example: walgate "));
    EXPECT_FALSE(outcome.out.starts_with("\n")) << "the description is missing";
  }
}

TEST_F(CommandLine, EveryCommandHasAChapterInTheDocument) {
  std::ifstream stream{WALGATE_SOURCE_DIR "/docs/commands.md"};
  std::ostringstream text;
  text << stream.rdbuf();
  const std::string document = text.str();
  std::istringstream help{walgate({"--help"}).out};
  std::vector<std::string> commands;
  std::string line;
  // Versions of the library write the heading in small or in capital letters, and break long lines or not.
  while (std::getline(help, line) && line != "Subcommands:" && line != "SUBCOMMANDS:") continue;
  while (std::getline(help, line) && !line.empty()) {
    if (line.starts_with("   ")) continue;
    std::istringstream words{line};
    words >> commands.emplace_back();
    EXPECT_THAT(document, HasSubstr("\n## `walgate " + commands.back() + "`\n"));
  }
  EXPECT_EQ(commands.size(), 13U);
}

TEST_F(CommandLine, NeedsAConfiguration) {
  for (const char* command : {"init", "check", "run", "status", "remove"}) {
    const Outcome outcome = walgate({command});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_THAT(outcome.err,
                StartsWith("walgate: no configuration is given: use --config FILE or set WALGATE_CONFIG\n"));
    EXPECT_THAT(outcome.err, HasSubstr("\nname: configuration_invalid\n"));
  }
}

TEST_F(CommandLine, TakesTheConfigurationFromTheEnvironment) {
  setenv("WALGATE_CONFIG", good_file().c_str(), 1);
  EXPECT_EQ(walgate({"config", "show"}).code, 0);
}

TEST_F(CommandLine, PrefersTheOptionToTheEnvironment) {
  setenv("WALGATE_CONFIG", "/does/not/exist", 1);
  EXPECT_EQ(walgate({"config", "show", "--config", good_file()}).code, 0);
  EXPECT_EQ(walgate({"--config", good_file(), "config", "show"}).code, 0);
}

TEST_F(CommandLine, ListsAllMistakesOfTheConfiguration) {
  const std::string path = file(R"({"pipeline": "p", "source": {"conninf": ""}})");
  const Outcome outcome = walgate({"check", "--config", path});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err,
            "walgate: configuration \"" + path +
                "\" has 3 mistakes\n"
                "  source.conninf: unknown key; did you mean \"conninfo\"?\n"
                "  source.conninfo: is missing\n"
                "  target.conninfo: is missing\n"
                "hint: Correct the places that are listed; `walgate config reference` describes every key.\n"
                "name: configuration_invalid\n");
}

TEST_F(CommandLine, TellsMistakesAsJson) {
  const Outcome outcome = walgate({"check", "--json", "--config", file(R"({"pipeline": "p", "source": 3})")});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "");
  const auto error = nlohmann::json::parse(outcome.out).at("error");
  EXPECT_EQ(error.at("name"), "configuration_invalid");
  EXPECT_EQ(error.at("mistakes"), nlohmann::json::parse(R"([
    {"path": "source", "message": "must be an object, not an integer"},
    {"path": "target.conninfo", "message": "is missing"}])"));
}

TEST_F(CommandLine, TellsFilesThatCannotBeUsed) {
  EXPECT_THAT(
      walgate({"check", "--config", "/does/not/exist"}).err,
      StartsWith("walgate: configuration \"/does/not/exist\": could not open the file: No such file or directory\n"));
  EXPECT_THAT(walgate({"check", "--config", folder_.string()}).err, HasSubstr(": it is a directory, not a file\n"));
  EXPECT_THAT(walgate({"check", "--config", file("")}).err, HasSubstr(": the file is empty\n"));
  EXPECT_THAT(walgate({"check", "--config", file("pipeline: p")}).err,
              HasSubstr(": line 1, column 1: this is not valid JSON: invalid literal\n"));
}

TEST_F(CommandLine, ShowsTheConfigurationWithoutPasswords) {
  const Outcome outcome = walgate({"config", "show", "--config", good_file()});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("password=********"));
  EXPECT_THAT(outcome.out, testing::Not(HasSubstr("hidden")));
  EXPECT_TRUE(nlohmann::json::accept(outcome.out));
}

TEST_F(CommandLine, DescribesKeysWithoutAConfiguration) {
  EXPECT_TRUE(nlohmann::json::accept(walgate({"config", "schema"}).out));
  EXPECT_THAT(walgate({"config", "reference"}).out, StartsWith("| key | type | default | meaning |\n"));
}

TEST_F(CommandLine, TellsItsVersion) {
  EXPECT_THAT(walgate({"version"}).out, StartsWith("walgate 1."));
  EXPECT_THAT(walgate({"--version"}).out, StartsWith("walgate 1."));
  EXPECT_EQ(nlohmann::json::parse(walgate({"version", "--json"}).out)["protocol"], 1);
}

TEST_F(CommandLine, FailsWhenItsOutputCannotBeWritten) {
  std::ofstream full{"/dev/full"};
  std::ostringstream err;
  EXPECT_EQ(command_line({"config", "reference"}, {full, err}), 2);
  EXPECT_EQ(err.str(), "walgate: could not write to standard output\n");
}

TEST_F(CommandLine, RunFailsWhenTheListenersAddressIsTaken) {
  const StatusBoard board;
  const StatusListener other{"127.0.0.1", 0, board};
  const std::string address = "127.0.0.1:" + std::to_string(other.port());
  const Outcome outcome = walgate({"run", "--config", good_file(R"(, "http": {"listen": ")" + address + R"("})")});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, StartsWith("walgate: could not listen on " + address + ": Address already in use\n"));
  EXPECT_THAT(outcome.err, HasSubstr("\nname: listen_failed\n"));
}

TEST_F(CommandLine, StatusComesFromTheServiceThatRunsThePipeline) {
  StatusBoard board;
  board.update([](Status& status) {
    status.pipeline = "p";
    status.state = ServiceState::streaming;
    status.pid = 4711;
  });
  const StatusListener service{"127.0.0.1", 0, board};
  const std::string config =
      good_file(R"(, "http": {"listen": "127.0.0.1:)" + std::to_string(service.port()) + R"("})");
  const Outcome json = walgate({"status", "--json", "--config", config});
  EXPECT_EQ(json.code, 0);
  EXPECT_EQ(json.out, status_json(board.snapshot()) + '\n');
  const Outcome text = walgate({"status", "--config", config});
  EXPECT_EQ(text.out, status_text(board.snapshot(), false));
}

}  // namespace
}  // namespace walgate::cli
