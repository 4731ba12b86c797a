// run.cpp - `walgate run`: the service in the foreground, with its log on standard error.

#include <map>
#include <memory>

#include "cli/context.hpp"
#include "cli/report.hpp"
#include "observe/log.hpp"
#include "service/commands.hpp"

namespace walgate::cli {
namespace {

const std::map<std::string, log::Level> levels{{"debug", log::Level::debug},
                                               {"info", log::Level::info},
                                               {"warning", log::Level::warning},
                                               {"error", log::Level::error}};
const std::map<std::string, log::Format> formats{{"text", log::Format::text}, {"json", log::Format::json}};

template <typename Meaning>
auto one_of(const std::map<std::string, Meaning>& words) {
  return [&words](const std::string& text) {
    if (words.contains(text)) return std::string{};
    std::string list;
    for (const auto& [word, meaning] : words) list += (list.empty() ? "" : ", ") + word;
    return "\"" + text + "\" is none of " + list;
  };
}

int run(const Context& context, log::Level level, log::Format format) {
  const Config config = config_of(context);
  log::set_up(level, format);
  StatusBoard board;
  const int code = service::run(config, board);
  // The log has told a person already.
  if (const auto error = board.snapshot().error; context.json && code != done && error) report_failure(context, *error);
  return code;
}

}  // namespace

void add_run(CLI::App& app, Context& context) {
  CLI::App& command =
      add_command(app, context, "run", "init if needed, check, then stream until SIGTERM or a permanent error",
                  "walgate run --config orders.json --log-format json");
  struct Choices {
    log::Level level = log::Level::info;
    log::Format format = log::Format::text;
  };
  const auto choices = std::make_shared<Choices>();  // outlives this function with the callback
  command
      .add_option_function<std::string>(
          "--log-level", [choices](const std::string& word) { choices->level = levels.at(word); },
          "least level that is logged: debug, info, warning or error")
      ->type_name("LEVEL")
      ->check(one_of(levels));
  command
      .add_option_function<std::string>(
          "--log-format", [choices](const std::string& word) { choices->format = formats.at(word); }, "text or json")
      ->type_name("FORMAT")
      ->check(one_of(formats));
  command.callback([&context, choices] {
    context.action = [&context, choices] { return run(context, choices->level, choices->format); };
  });
}

}  // namespace walgate::cli
