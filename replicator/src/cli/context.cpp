// context.cpp - the options that all commands share.

#include "cli/context.hpp"

#include <cstdlib>

#include "cli/report.hpp"
#include "config/load.hpp"
#include "config/value_types.hpp"
#include "mirror/kafka_config.hpp"

namespace walgate::cli {

void add_common_options(CLI::App& app, Context& context, bool reads_config) {
  if (reads_config) {
    app.add_option("--config", context.config_file, "configuration file; else the one that WALGATE_CONFIG names")
        ->type_name("FILE");
  }
  app.add_flag("--json", context.json, "JSON on standard output");
}

CLI::App& add_command(CLI::App& parent, Context& context, const std::string& name, const std::string& description,
                      const std::string& example, bool reads_config) {
  CLI::App& command = *parent.add_subcommand(name, description);
  add_common_options(command, context, reads_config);
  command.footer("Example: " + example);
  return command;
}

std::shared_ptr<std::string> add_table_option(CLI::App& command) {
  auto table = std::make_shared<std::string>();
  command.add_option("--table", *table, "source table, quoted as in SQL where its name needs it")
      ->required()
      ->type_name("SCHEMA.TABLE")
      ->check([](const std::string& text) {
        std::string error;
        const auto parsed = NamePattern::parse(text, error);
        if (parsed && parsed->has_wildcard()) error = "one table at a time";
        return error.empty() ? std::string{} : "\"" + text + "\": " + error;
      });
  return table;
}

QualifiedName table_of(const std::string& text) {
  std::string error;
  return NamePattern::parse(text, error).value().fill({});
}

CLI::Option& add_duration_option(CLI::App& command, const std::string& name,
                                 const std::shared_ptr<std::chrono::milliseconds>& value,
                                 const std::string& description) {
  return *command
              .add_option_function<std::string>(
                  name, [value](const std::string& text) { *value = config::parse_duration(text).value(); },
                  description)
              ->type_name("TIME")
              ->check([](const std::string& text) {
                const auto time = config::parse_duration(text);
                return time && time->count() > 0 ? std::string{} : "\"" + text + "\" is no time such as 60s";
              });
}

Config config_of(const Context& context) {
  std::string file = context.config_file;
  if (file.empty()) {
    const char* const from_environment = std::getenv("WALGATE_CONFIG");
    if (from_environment != nullptr) file = from_environment;
  }
  if (file.empty()) {
    throw MistakenConfig{"", {{"", "no configuration is given: use --config FILE or set WALGATE_CONFIG"}}};
  }
  LoadedConfig loaded = load_config(file);
  if (auto* mistakes = std::get_if<Mistakes>(&loaded)) throw MistakenConfig{file, std::move(*mistakes)};
  auto config = std::get<Config>(std::move(loaded));
  // Which properties there are, only the library knows.
  if (auto mistakes = mirror::property_mistakes(config.kafka.properties); !mistakes.empty()) {
    throw MistakenConfig{file, std::move(mistakes)};
  }
  return config;
}

}  // namespace walgate::cli
