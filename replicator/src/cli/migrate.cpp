// migrate.cpp - `walgate migrate status`, `up`, `verify` and `draft`.

#include <spdlog/fmt/fmt.h>

#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/context.hpp"
#include "cli/report.hpp"
#include "migrate/draft_file.hpp"
#include "observe/failure_json.hpp"
#include "service/migration_draft.hpp"
#include "service/migrations.hpp"

namespace walgate::cli {
namespace {

using migrate::Applied;
using migrate::Migration;
using migrate::MigrationState;
using migrate::UpReport;
using nlohmann::ordered_json;

ordered_json json_of(const Migration& migration, const service::MigrationStatus& status) {
  const auto* file = migration.file;
  const auto* row = migration.row;
  ordered_json json;
  json["number"] = migration.number();
  json["id"] = migration.id();
  json["state"] = migrate::text_of(migration.state);
  json["in_transaction"] = file != nullptr ? ordered_json(file->in_transaction) : nullptr;
  json["after_copy"] = file != nullptr ? ordered_json(file->after_copy) : nullptr;
  json["waits_for_copy"] =
      migration.state == MigrationState::pending && file->after_copy && !status.copy_missing.empty();
  json["checksum"] = file != nullptr ? ordered_json(file->checksum) : nullptr;
  json["applied_checksum"] = row != nullptr ? ordered_json(row->checksum) : nullptr;
  json["applied_at"] = row != nullptr ? ordered_json(row->applied_at) : nullptr;
  json["applied_by"] = row != nullptr ? ordered_json(row->applied_by) : nullptr;
  json["milliseconds"] = row != nullptr && row->duration ? ordered_json(row->duration->count()) : nullptr;
  json["source_lsn"] = row != nullptr && row->source_lsn ? ordered_json(row->source_lsn->text()) : nullptr;
  return json;
}

std::string line_of(const Migration& migration, const service::MigrationStatus& status) {
  std::string more;
  if (const auto* row = migration.row) {
    more = fmt::format("{} by {}", row->applied_at, row->applied_by);
    if (row->duration) more += fmt::format(", {} ms", row->duration->count());
    if (row->source_lsn) more += fmt::format(", at {}", row->source_lsn->text());
  } else if (migration.later != nullptr) {
    more = fmt::format("{} is applied", migration.later->id);
  } else {
    if (!migration.file->in_transaction) more = "no-transaction";
    if (migration.file->after_copy) {
      more += fmt::format("{}{}", more.empty() ? "" : ", ",
                          status.copy_missing.empty() ? "after-copy" : status.copy_missing);
    }
  }
  return fmt::format("{:<12} {}{}{}\n", migrate::text_of(migration.state), migration.id(), more.empty() ? "" : "  ",
                     more);
}

int show_status(const Context& context) {
  const Config config = config_of(context);
  const auto status = service::migration_status(config);
  if (context.json) {
    ordered_json json{{"pipeline", config.pipeline}, {"directory", config.migrations.directory}};
    json["migrations"] = ordered_json::array();
    for (const auto& migration : status.migrations) json["migrations"].push_back(json_of(migration, status));
    json["invalid_indexes"] = ordered_json::array();
    for (const auto& index : status.invalid_indexes) {
      json["invalid_indexes"].push_back(
          {{"index", index.index.display()}, {"table", index.table.display()}, {"remedy", index.remedy()}});
    }
    context.out << dump(json) << '\n';
    return done;
  }
  for (const auto& migration : status.migrations) context.out << line_of(migration, status);
  if (status.migrations.empty()) context.out << "there are no migrations\n";
  for (const auto& index : status.invalid_indexes) {
    warn(context, fmt::format("index {} of {} is invalid; if nobody is building it: {}", index.index.display(),
                              index.table.display(), index.remedy()));
  }
  return done;
}

ordered_json json_of(const UpReport& report, const std::string& pipeline, bool dry_run) {
  ordered_json json{{"pipeline", pipeline}, {"dry_run", dry_run}};
  json["applied"] = ordered_json::array();
  for (const auto& applied : report.applied) {
    ordered_json entry{{"id", applied.id}, {"milliseconds", applied.time.count()}, {"found_done", applied.found_done}};
    entry["locks"] = ordered_json::array();
    for (const auto& lock : applied.locks) entry["locks"].push_back({{"relation", lock.relation}, {"mode", lock.mode}});
    json["applied"].push_back(std::move(entry));
  }
  json["left"] = ordered_json::array();
  for (const auto& left : report.left) json["left"].push_back({{"id", left.id}, {"reason", left.reason}});
  return json;
}

void print_applied(const Context& context, const Applied& applied, bool dry_run) {
  const auto* what = dry_run ? "executed and rolled back" : applied.found_done ? "found done" : "applied";
  context.out << fmt::format("{} {} in {} ms\n", what, applied.id, applied.time.count());
  for (const auto& lock : applied.locks) context.out << fmt::format("  {} on {}\n", lock.mode, lock.relation);
  context.out.flush();
}

struct UpWords {
  std::string to;
  bool dry_run = false;
};

/// A migration's number as people write it, "7" or "0007"; nullopt for other text.
std::optional<int> number_in(const std::string& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || text.size() > 4 || number < 1) return std::nullopt;
  return number;
}

int go_up(const Context& context, const UpWords& words) {
  const Config config = config_of(context);
  UpReport report;
  const migrate::UpObserver observer{.note = [&](const std::string& text) { context.err << text << '\n'; },
                                     .applied =
                                         [&](const Applied& applied) {
                                           if (!context.json) print_applied(context, applied, words.dry_run);
                                         }};
  try {
    service::migrate_up(config, {.to = number_in(words.to), .dry_run = words.dry_run}, observer, report);
  } catch (const Error& error) {
    if (!context.json) throw;
    // What went before the failure is done, and a script wants to know it.
    auto json = json_of(report, config.pipeline, words.dry_run);
    json["error"] = failure_json(error.failure());
    context.out << dump(json) << '\n';
    return exit_code_of(error.failure());
  }
  if (context.json) {
    context.out << dump(json_of(report, config.pipeline, words.dry_run)) << '\n';
    return done;
  }
  for (const auto& left : report.left) context.out << fmt::format("left {}: {}\n", left.id, left.reason);
  if (report.applied.empty() && report.left.empty()) context.out << "nothing is pending\n";
  return done;
}

struct DraftWords {
  service::DraftRequest request;
  bool only_print = false;
};

/// "2 statements, 1 question"
std::string contents_of(const migrate::Draft& draft) {
  const auto plural = [](std::size_t number, std::string_view word) {
    return fmt::format("{} {}{}", number, word, number == 1 ? "" : "s");
  };
  auto text = plural(draft.statements, "statement");
  if (draft.questions > 0) text += fmt::format(", {} that only you can answer", plural(draft.questions, "question"));
  return text;
}

int write_draft(const Context& context, const DraftWords& words) {
  const Config config = config_of(context);
  auto request = words.request;
  request.write = !words.only_print;
  const auto [draft, file] = service::draft_migration(config, request);
  if (context.json) {
    context.out << dump({{"pipeline", config.pipeline},
                         {"file", file ? ordered_json(*file) : ordered_json(nullptr)},
                         {"statements", draft.statements},
                         {"sql", draft.sql}})
                << '\n';
    return done;
  }
  if (draft.sql.empty()) {
    context.out << "the target lacks nothing\n";
  } else if (words.only_print) {
    context.out << draft.sql;
    context.err << contents_of(draft) << '\n';
  } else {
    context.out << fmt::format("wrote {}: {}; read it before `walgate migrate up`\n", *file, contents_of(draft));
  }
  return done;
}

}  // namespace

void add_migrate(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("migrate", "the migration files and what the target has seen of them");
  group.require_subcommand(1);
  group.footer("Example: walgate migrate up --config orders.json --dry-run");

  CLI::App& status = add_command(group, context, "status", "which migrations are applied, pending, changed or missing",
                                 "walgate migrate status --config orders.json");
  status.callback([&context] { context.action = [&context] { return show_status(context); }; });

  CLI::App& up = add_command(group, context, "up", "apply what is pending, each file in one transaction",
                             "walgate migrate up --config orders.json --to 7");
  const auto words = std::make_shared<UpWords>();  // outlives this function with the callback
  up.add_option("--to", words->to, "number of the last migration that is wanted")
      ->type_name("N")
      ->check([](const std::string& text) {
        return number_in(text) ? std::string{} : "\"" + text + "\" is no number of a migration, 1 to 9999";
      });
  up.add_flag("--dry-run", words->dry_run, "execute and roll back; shows the time it took and the locks it held");
  up.callback([&context, words] { context.action = [&context, words] { return go_up(context, *words); }; });

  CLI::App& verify = add_command(group, context, "verify", "do the files agree with what was applied?",
                                 "walgate migrate verify --config orders.json");
  verify.callback([&context] {
    context.action = [&context] { return report_findings(context, service::verify_migrations(config_of(context))); };
  });

  CLI::App& draft =
      add_command(group, context, "draft", "propose a migration file for what the target lacks; runs nothing",
                  "walgate migrate draft --config orders.json --name priority");
  const auto draft_words = std::make_shared<DraftWords>();
  draft.add_option("--name", draft_words->request.name, "what follows the number in the file's name")
      ->type_name("NAME")
      ->check([](const std::string& text) {
        return migrate::is_draft_name(text)
                   ? std::string{}
                   : "\"" + text + "\" is no name of a migration: small letters, digits and \"_\"";
      });
  draft.add_flag("--stdout", draft_words->only_print, "print the SQL and write no file");
  draft.callback([&context, draft_words] {
    context.action = [&context, draft_words] { return write_draft(context, *draft_words); };
  });
}

}  // namespace walgate::cli
