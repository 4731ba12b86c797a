// check.cpp - `walgate check`.

#include "cli/context.hpp"
#include "cli/report.hpp"
#include "service/commands.hpp"

namespace walgate::cli {

void add_check(CLI::App& app, Context& context) {
  CLI::App& command =
      add_command(app, context, "check", "run every start-up check and list all findings; changes nothing",
                  "walgate check --config orders.json");
  command.callback([&context] {
    context.action = [&context] { return report_findings(context, service::check(config_of(context))); };
  });
}

}  // namespace walgate::cli
