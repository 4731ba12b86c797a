// init.cpp - `walgate init`.

#include "cli/context.hpp"
#include "cli/report.hpp"
#include "service/commands.hpp"

namespace walgate::cli {

void add_init(CLI::App& app, Context& context) {
  CLI::App& command = add_command(app, context, "init",
                                  "create walgate's tables on the target and register the pipeline; harmless twice",
                                  "walgate init --config orders.json");
  command.callback([&context] {
    context.action = [&context] {
      const Config config = config_of(context);
      return report_done(context, config.pipeline, service::init(config));
    };
  });
}

}  // namespace walgate::cli
