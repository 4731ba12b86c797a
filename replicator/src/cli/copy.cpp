// copy.cpp - `walgate copy` and `walgate sync-sequences`.

#include "cli/context.hpp"
#include "cli/report.hpp"
#include "service/commands.hpp"

namespace walgate::cli {

void add_copy(CLI::App& app, Context& context) {
  CLI::App& command =
      add_command(app, context, "copy", "empty one table of the target and copy it again, now or at the next start",
                  "walgate copy --config orders.json --table public.item");
  const auto table = add_table_option(command);
  command.callback([&context, table] {
    context.action = [&context, table] {
      const Config config = config_of(context);
      return report_done(context, config.pipeline, service::copy_again(config, table_of(*table)));
    };
  });
}

void add_sync_sequences(CLI::App& app, Context& context) {
  CLI::App& command = add_command(app, context, "sync-sequences",
                                  "set the sequences of the target's tables to where those of the source are",
                                  "walgate sync-sequences --config orders.json");
  command.callback([&context] {
    context.action = [&context] {
      const Config config = config_of(context);
      return report_done(context, config.pipeline, service::sync_sequences(config));
    };
  });
}

}  // namespace walgate::cli
