// accept.cpp - `walgate accept`.

#include <memory>

#include "cli/context.hpp"
#include "cli/report.hpp"
#include "service/commands.hpp"

namespace walgate::cli {

void add_accept(CLI::App& app, Context& context) {
  CLI::App& command = add_command(app, context, "accept",
                                  "let in a table that was created again on the source, or forget one that has left",
                                  "walgate accept --config orders.json --table public.item");
  const auto table = std::make_shared<std::string>();  // outlives this function with the callback
  command.add_option("--table", *table, "source table, quoted as in SQL where its name needs it")
      ->required()
      ->type_name("SCHEMA.TABLE")
      ->check([](const std::string& text) {
        std::string error;
        const auto parsed = NamePattern::parse(text, error);
        if (parsed && parsed->has_wildcard()) error = "one table at a time";
        return error.empty() ? std::string{} : "\"" + text + "\": " + error;
      });
  command.callback([&context, table] {
    context.action = [&context, table] {
      const Config config = config_of(context);
      std::string error;
      return report_done(context, config.pipeline,
                         service::accept(config, NamePattern::parse(*table, error).value().fill({})));
    };
  });
}

}  // namespace walgate::cli
