// remove.cpp - `walgate remove`.

#include <memory>

#include "cli/context.hpp"
#include "cli/report.hpp"
#include "service/commands.hpp"

namespace walgate::cli {

void add_remove(CLI::App& app, Context& context) {
  CLI::App& command =
      add_command(app, context, "remove", "forget the pipeline on the target and drop its slot; user tables stay",
                  "walgate remove --config orders.json --keep-slot");
  const auto keep_slot = std::make_shared<bool>(false);  // outlives this function with the callback
  command.add_flag("--keep-slot", *keep_slot, "leave the slot on the source");
  command.callback([&context, keep_slot] {
    context.action = [&context, keep_slot] {
      const Config config = config_of(context);
      return report_done(context, config.pipeline, service::remove(config, *keep_slot));
    };
  });
}

}  // namespace walgate::cli
