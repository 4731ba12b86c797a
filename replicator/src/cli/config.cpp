// config.cpp - `walgate config show`, `schema` and `reference`.

#include "cli/context.hpp"
#include "cli/report.hpp"
#include "config/print.hpp"

namespace walgate::cli {

void add_config(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("config", "show the configuration, or describe its keys");
  group.require_subcommand(1);
  group.footer("Example: walgate config show --config orders.json");

  CLI::App& show = add_command(group, context, "show", "the effective configuration, passwords hidden",
                               "walgate config show --config orders.json");
  show.callback([&context] {
    context.action = [&context] {
      context.out << config_json(config_of(context), !context.json) << '\n';
      return static_cast<int>(done);
    };
  });

  CLI::App& schema = add_command(group, context, "schema", "the JSON Schema of the file",
                                 "walgate config schema > schema.json", false);
  schema.callback([&context] {
    context.action = [&context] {
      context.out << config_schema() << '\n';
      return static_cast<int>(done);
    };
  });

  CLI::App& reference = *group.add_subcommand("reference", "every key with type, default and meaning (Markdown)");
  reference.footer("Example: walgate config reference");
  reference.callback([&context] {
    context.action = [&context] {
      context.out << config_reference();
      return static_cast<int>(done);
    };
  });
}

}  // namespace walgate::cli
