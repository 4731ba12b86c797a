// accept.cpp - `walgate accept`.

#include "cli/context.hpp"
#include "cli/report.hpp"
#include "service/commands.hpp"

namespace walgate::cli {

void add_accept(CLI::App& app, Context& context) {
  CLI::App& command = add_command(app, context, "accept",
                                  "let in a table that was created again on the source, or forget one that has left",
                                  "walgate accept --config orders.json --table public.item");
  const auto table = add_table_option(command);
  command.callback([&context, table] {
    context.action = [&context, table] {
      const Config config = config_of(context);
      return report_done(context, config.pipeline, service::accept(config, table_of(*table)));
    };
  });
}

}  // namespace walgate::cli
