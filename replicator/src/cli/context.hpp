// context.hpp - what every command gets: where it writes, and the options that all commands share.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "config/config.hpp"

namespace walgate::cli {

/// The exit codes that users script against.
enum ExitCode : int {
  done = 0,
  usage = 1,         ///< usage or configuration
  needs_person = 2,  ///< a permanent error, or findings of severity error
  differs = 3,       ///< what was compared is not equal
  unreachable = 4,   ///< a server could not be reached in time
};

struct Context {
  std::ostream& out;
  std::ostream& err;
  bool out_colour = false;
  bool err_colour = false;

  std::string config_file;  ///< from --config; empty: not given
  bool json = false;
  std::function<int()> action;  ///< what the parsed command does; its result is the exit code
};

/// --json, and --config where one is read; they may stand before the command as well as after it.
void add_common_options(CLI::App& app, Context& context, bool reads_config);

/// A new command with --json, and --config where it reads one.  `example` is shown at the end of its help.
CLI::App& add_command(CLI::App& parent, Context& context, const std::string& name, const std::string& description,
                      const std::string& example, bool reads_config = true);

/// A required --table; the text outlives this call with whoever keeps it.
[[nodiscard]] std::shared_ptr<std::string> add_table_option(CLI::App& command);
/// What a text of that option names.
[[nodiscard]] QualifiedName table_of(const std::string& text);

/// An option that takes a time as the configuration writes it, "60s"; from 1 ms on.
CLI::Option& add_duration_option(CLI::App& command, const std::string& name,
                                 const std::shared_ptr<std::chrono::milliseconds>& value,
                                 const std::string& description);

/// Reads and checks the configuration that --config or WALGATE_CONFIG names.  Throws MistakenConfig.
[[nodiscard]] Config config_of(const Context& context);

// One per file.  Each adds its command and, when that is chosen, sets `context.action`.
void add_init(CLI::App& app, Context& context);
void add_check(CLI::App& app, Context& context);
void add_run(CLI::App& app, Context& context);
void add_status(CLI::App& app, Context& context);
void add_remove(CLI::App& app, Context& context);
void add_skip(CLI::App& app, Context& context);
void add_accept(CLI::App& app, Context& context);
void add_copy(CLI::App& app, Context& context);
void add_sync_sequences(CLI::App& app, Context& context);
void add_migrate(CLI::App& app, Context& context);
void add_mirror(CLI::App& app, Context& context);
void add_config(CLI::App& app, Context& context);
void add_version(CLI::App& app, Context& context);

}  // namespace walgate::cli
