// mirror.cpp - `walgate mirror check`: the Kafka mirror.

#include "cli/context.hpp"
#include "cli/report.hpp"
#include "service/mirror_checks.hpp"

namespace walgate::cli {
namespace {

void add_mirror_check(CLI::App& group, Context& context) {
  CLI::App& check = add_command(group, context, "check", "hold the topics that are wanted against those that there are",
                                "walgate mirror check --config orders.json");
  check.callback([&context] {
    context.action = [&context] { return report_findings(context, service::check_mirror_alone(config_of(context))); };
  });
}

}  // namespace

void add_mirror(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("mirror", "the Kafka mirror: its topics and what they hold");
  group.require_subcommand(1);
  group.footer("Example: walgate mirror check --config orders.json");
  add_mirror_check(group, context);
}

}  // namespace walgate::cli
