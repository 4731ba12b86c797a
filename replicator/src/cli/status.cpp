// status.cpp - `walgate status`: from the running service, else from both databases.

#include <spdlog/fmt/fmt.h>

#include "cli/context.hpp"
#include "cli/report.hpp"
#include "observe/http.hpp"
#include "service/commands.hpp"

namespace walgate::cli {
namespace {

// What the service of this pipeline answers; nullopt when none does.
std::optional<std::string> answer_of_service(const Context& context, const Config& config) {
  if (config.http.host.empty()) return std::nullopt;
  const auto body = fetch_status(config.http.host, config.http.port);
  if (!body) return std::nullopt;
  const auto status = parse_status(*body);
  const std::string address = fmt::format("{}:{}", config.http.host, config.http.port);
  if (!status) {
    warn(context, fmt::format("what answers at http.listen, {}, is no walgate service; asking the databases", address));
    return std::nullopt;
  }
  if (status->pipeline != config.pipeline) {
    warn(context, fmt::format("the service at http.listen, {}, runs pipeline \"{}\", not \"{}\"; asking the databases",
                              address, status->pipeline, config.pipeline));
    return std::nullopt;
  }
  return body;
}

int show_status(const Context& context) {
  const Config config = config_of(context);
  std::string json;
  if (auto answer = answer_of_service(context, config)) {
    json = std::move(*answer);
    while (json.ends_with('\n')) json.pop_back();
  } else {
    json = status_json(service::offline_status(config));
  }
  if (context.json) {
    context.out << json << '\n';
  } else {
    context.out << status_text(parse_status(json).value(), context.out_colour);
  }
  return done;
}

}  // namespace

void add_status(CLI::App& app, Context& context) {
  CLI::App& command =
      add_command(app, context, "status", "how far the pipeline is; asks both databases when the service is down",
                  "walgate status --config orders.json --json");
  command.callback([&context] { context.action = [&context] { return show_status(context); }; });
}

}  // namespace walgate::cli
