// skip.cpp - `walgate skip`.

#include <memory>

#include "cli/context.hpp"
#include "cli/report.hpp"
#include "service/commands.hpp"

namespace walgate::cli {

void add_skip(CLI::App& app, Context& context) {
  CLI::App& command =
      add_command(app, context, "skip", "leave out the one transaction that `walgate status` shows as error.lsn",
                  "walgate skip --config orders.json --lsn 0/4FFFF00");
  const auto lsn = std::make_shared<std::string>();  // outlives this function with the callback
  command.add_option("--lsn", *lsn, "position of the transaction, as error.lsn has it")
      ->required()
      ->type_name("LSN")
      ->check([](const std::string& text) {
        const auto parsed = Lsn::parse(text);
        return parsed && parsed->is_set() ? std::string{} : "\"" + text + "\" is no LSN such as 0/4FFFF00";
      });
  command.callback([&context, lsn] {
    context.action = [&context, lsn] {
      const Config config = config_of(context);
      return report_done(context, config.pipeline, service::skip(config, Lsn::parse(*lsn).value()));
    };
  });
}

}  // namespace walgate::cli
