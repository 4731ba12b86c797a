// mirror.cpp - `walgate mirror check`, `plan`, `verify` and `republish`: the Kafka mirror.

#include <memory>
#include <optional>

#include "cli/context.hpp"
#include "cli/mirror_report.hpp"
#include "cli/report.hpp"
#include "config/value_types.hpp"
#include "service/mirror_checks.hpp"
#include "service/mirror_commands.hpp"

namespace walgate::cli {
namespace {

using namespace std::chrono_literals;

int show_plan(const Context& context, std::chrono::milliseconds interval,
              const mirror::PartitionAssumptions& assumptions) {
  const Config config = config_of(context);
  const auto plan = service::plan_mirror(config, interval, assumptions);
  context.out << (context.json ? plan_json(plan, config.pipeline) + '\n' : plan_text(plan));
  return done;
}

int show_verdict(const Context& context, std::chrono::milliseconds patience) {
  const Config config = config_of(context);
  const auto verdict = service::verify_mirror(config, patience);
  context.out << (context.json ? verdict_json(verdict, config.pipeline) + '\n' : verdict_text(verdict));
  return verdict.is_right() ? done : differs;
}

void add_mirror_check(CLI::App& group, Context& context) {
  CLI::App& check = add_command(group, context, "check", "hold the topics that are wanted against those that there are",
                                "walgate mirror check --config orders.json");
  check.callback([&context] {
    context.action = [&context] { return report_findings(context, service::check_mirror_alone(config_of(context))); };
  });
}

void add_mirror_plan(CLI::App& group, Context& context) {
  CLI::App& plan =
      add_command(group, context, "plan", "measure the source's tables, and say how many partitions that asks for",
                  "walgate mirror plan --config orders.json --interval 10min");
  // These outlive this function with the callback.
  const auto interval = std::make_shared<std::chrono::milliseconds>(60s);
  const auto assumptions = std::make_shared<mirror::PartitionAssumptions>();
  add_duration_option(plan, "--interval", interval, "how long to measure; default 60s");
  plan.add_option_function<std::string>(
          "--partition-rate",
          [assumptions](const std::string& text) {
            assumptions->bytes_per_partition = config::parse_size(text).value();
          },
          "what one partition takes in a second; default 10MB")
      ->type_name("SIZE")
      ->check([](const std::string& text) {
        const auto size = config::parse_size(text);
        return size && *size > 0 ? std::string{} : "\"" + text + "\" is no size such as 10MB";
      });
  plan.add_option("--consumer-rate", assumptions->records_per_consumer,
                  "records that one consumer manages in a second; default 10000")
      ->type_name("RECORDS")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1000000000}));
  plan.callback([&context, interval, assumptions] {
    context.action = [&context, interval, assumptions] { return show_plan(context, *interval, *assumptions); };
  });
}

void add_mirror_verify(CLI::App& group, Context& context) {
  CLI::App& verify = add_command(group, context, "verify", "hold what the topics hold against the source's tables",
                                 "walgate mirror verify --config orders.json --timeout 5min");
  const auto patience = std::make_shared<std::chrono::milliseconds>(60s);
  add_duration_option(verify, "--timeout", patience, "how long to wait for the mirror to catch up; default 60s");
  verify.callback(
      [&context, patience] { context.action = [&context, patience] { return show_verdict(context, *patience); }; });
}

void add_republish(CLI::App& mirror, Context& context) {
  CLI::App& command = add_command(mirror, context, "republish",
                                  "build the topic of a table again from the table, now or at the next start",
                                  "walgate mirror republish --config orders.json --table public.item");
  struct Choice {
    std::shared_ptr<std::string> table;
    bool all = false;
  };
  const auto choice = std::make_shared<Choice>();  // outlives this function with the callback
  choice->table = add_table_option(command);
  auto* const table = command.get_option("--table")->required(false);
  command.add_flag("--all", choice->all, "of all tables, whatever Kafka remembers of the pipeline")->excludes(table);
  command.callback([&context, choice] {
    if (!choice->all && choice->table->empty()) throw CLI::RequiredError{"--table or --all"};
    context.action = [&context, choice] {
      const Config config = config_of(context);
      const auto one = choice->all ? std::nullopt : std::optional{table_of(*choice->table)};
      return report_done(context, config.pipeline, service::republish(config, one));
    };
  });
}

}  // namespace

void add_mirror(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("mirror", "the Kafka mirror: its topics and what they hold");
  group.require_subcommand(1);
  group.footer("Example: walgate mirror check --config orders.json");
  add_mirror_check(group, context);
  add_mirror_plan(group, context);
  add_mirror_verify(group, context);
  add_republish(group, context);
}

}  // namespace walgate::cli
