// command_line.cpp - puts the commands together, runs the chosen one and turns what it throws into text and exit code.

#include "cli/command_line.hpp"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <utility>

#include "cli/context.hpp"
#include "cli/report.hpp"

namespace walgate::cli {
namespace {

// The chosen command, and the words that lead to it.
std::pair<const CLI::App*, std::string> chosen(const CLI::App& app) {
  const CLI::App* command = &app;
  std::string words = "walgate";
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    words += ' ' + command->get_name();
  }
  return {command, words};
}

// The library's sentences start with a capital and speak of subcommands, ours do not.
std::string usage_text(const CLI::App& app, const CLI::App& command, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining(true);
  const bool wants_command = !command.get_subcommands([](const CLI::App*) { return true; }).empty();
  if (!unknown.empty()) {
    // The library hands them over in no certain order; an option says more than what stands after it.
    const auto option = std::ranges::find_if(unknown, [](const std::string& word) { return word.starts_with('-'); });
    const std::string& word = option != unknown.end() ? *option : unknown.front();
    return fmt::format("unknown {} \"{}\"",
                       option != unknown.end() ? "option"
                       : wants_command         ? "command"
                                               : "argument",
                       word);
  }
  if (wants_command) return "a command is missing";
  std::string text = error.what();
  if (!text.empty()) text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  return text;
}

int report_usage(const Context& context, const CLI::App& app, const CLI::ParseError& error) {
  const auto [command, words] = chosen(app);
  context.err << fmt::format("walgate: {}\nhint: {} --help\n", usage_text(app, *command, error), words);
  return usage;
}

int run_chosen(const Context& context) {
  try {
    return context.action();
  } catch (const MistakenConfig& mistaken) {
    return report_mistakes(context, mistaken);
  } catch (const Error& error) {
    return report_failure(context, error.failure());
  } catch (const std::exception& error) {
    return report_failure(context, {.name = ErrorName::internal_error, .message = error.what()});
  }
}

int parse_and_run(std::vector<std::string>& arguments, Context& context) {
  CLI::App app{"walgate keeps tables of one PostgreSQL database current in another", "walgate"};
  add_common_options(app, context, true);
  app.require_subcommand(1);
  app.footer(
      "`walgate COMMAND --help` tells more.  Exit codes: 0 done, 1 usage or configuration, 2 a person is needed,\n"
      "3 what was compared differs, 4 a server could not be reached.\n"
      "Example: walgate run --config orders.json");
  app.set_version_flag("--version", std::string{"walgate "} + WALGATE_VERSION);
  add_init(app, context);
  add_check(app, context);
  add_run(app, context);
  add_status(app, context);
  add_remove(app, context);
  add_skip(app, context);
  add_accept(app, context);
  add_copy(app, context);
  add_sync_sequences(app, context);
  add_migrate(app, context);
  add_mirror(app, context);
  add_config(app, context);
  add_version(app, context);
  try {
    std::ranges::reverse(arguments);  // as the library wants them
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    context.out << app.help();
    return done;
  } catch (const CLI::CallForVersion& version) {
    context.out << version.what() << '\n';
    return done;
  } catch (const CLI::ParseError& error) {
    return report_usage(context, app, error);
  }
  return run_chosen(context);
}

bool is_terminal_with_colour(int descriptor) {
  const char* const no_colour = std::getenv("NO_COLOR");
  return isatty(descriptor) == 1 && (no_colour == nullptr || *no_colour == '\0');
}

}  // namespace

Streams standard_streams() {
  return {std::cout, std::cerr, is_terminal_with_colour(STDOUT_FILENO), is_terminal_with_colour(STDERR_FILENO)};
}

int command_line(std::vector<std::string> arguments, const Streams& streams) noexcept {
  Context context{.out = streams.out,
                  .err = streams.err,
                  .out_colour = streams.out_colour,
                  .err_colour = streams.err_colour,
                  .config_file = {},
                  .json = false,
                  .action = {}};
  const int code = parse_and_run(arguments, context);
  context.out.flush();
  if (context.out.good() || code != done) return code;
  context.err << "walgate: could not write to standard output\n";
  return needs_person;
}

}  // namespace walgate::cli
