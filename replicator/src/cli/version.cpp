// version.cpp - `walgate version`.

#include <libpq-fe.h>
#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>
#include <walgate/wire_format.hpp>

#include "cli/context.hpp"
#include "observe/failure_json.hpp"

namespace walgate::cli {

void add_version(CLI::App& app, Context& context) {
  CLI::App& command = add_command(app, context, "version", "the versions of walgate, its protocol and libpq",
                                  "walgate version --json", false);
  command.callback([&context] {
    context.action = [&context] {
      const std::string libpq = fmt::format("{}.{}", PQlibVersion() / 10000, PQlibVersion() % 10000);
      if (context.json) {
        context.out << dump({{"version", WALGATE_VERSION}, {"protocol", wire::protocol_version}, {"libpq", libpq}})
                    << '\n';
      } else {
        context.out << fmt::format("walgate {}, protocol {}, libpq {}\n", WALGATE_VERSION, wire::protocol_version,
                                   libpq);
      }
      return static_cast<int>(done);
    };
  });
}

}  // namespace walgate::cli
