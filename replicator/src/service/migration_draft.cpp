#include "service/migration_draft.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apply/known_tables.hpp"
#include "apply/target_catalog.hpp"
#include "apply/target_session.hpp"
#include "compare/shape_reader.hpp"
#include "migrate/draft_file.hpp"
#include "migrate/session.hpp"
#include "service/catalog_comparison.hpp"
#include "service/migrations.hpp"
#include "service/start_checks.hpp"

namespace walgate::service {

namespace {

using postgres::Connection;

/// Of the ledger, too: a file may have gone that was applied.
int last_number(const MigrationStatus& status) {
  int last = 0;
  for (const auto& migration : status.migrations) last = std::max(last, migration.number());
  return last;
}

std::string user_of(Connection& session) {
  return text_field(session.exec("SELECT current_user"), 0, 0);
}

/// Without its publications the source seems to have nothing, and who has locked a table hides what it is.
void require_sight(const Config& config, const Situation& now) {
  std::vector<Finding> missing;
  for (auto& finding : check_positions(config, now)) {
    if (finding.name == ErrorName::publication_missing) missing.push_back(std::move(finding));
  }
  throw_errors(missing);
  if (now.shapes.missing.empty()) return;
  throw Error{Failure{.name = ErrorName::lock_not_available,
                      .recovery = Recovery::retry,
                      .message = "the source's tables could not be looked at: " + now.shapes.missing,
                      .remedy = "find who holds the lock (pg_locks, pg_stat_activity), and try again when it is free",
                      .phase = "migrate"}};
}

/// Target tables that hold the rows of source tables under names that those have no more; by the OID of the source's.
std::map<std::uint32_t, QualifiedName> former_targets(const Config& config, const Situation& now,
                                                      const std::vector<QualifiedName>& in_use, Connection& target) {
  std::map<std::uint32_t, QualifiedName> former;
  if (!now.registration) return former;
  std::vector<QualifiedName> candidates;
  std::map<QualifiedName, std::uint32_t> source_of;
  for (const auto& [name, known] : apply::read_known_tables(target, config.pipeline).tables) {
    const auto mapping = map_table(config.tables, name);
    if (!mapping.target || std::ranges::find(in_use, *mapping.target) != in_use.end()) continue;
    candidates.push_back(*mapping.target);
    source_of[*mapping.target] = known.oid;
  }
  if (candidates.empty()) return former;
  for (const auto& [name, table] : apply::read_tables(target, candidates)) former[source_of.at(name)] = name;
  return former;
}

/// Every file of ours has to be one that we would run.
void require_acceptance(const migrate::Draft& draft) {
  std::vector<std::string> mistakes;
  const auto file = migrate::parse_migration("0001_draft", "draft", draft.sql, mistakes);
  const auto expected = std::max<std::size_t>(draft.statements, 1);  // one that waits for decisions has a guard
  if (mistakes.empty() && file.statements.size() == expected) return;
  throw Error{Failure{.name = ErrorName::internal_error,
                      .message = "the draft is no migration file",
                      .detail = mistakes.empty()
                                    ? fmt::format("{} statements instead of {}", file.statements.size(), expected)
                                    : fmt::format("{}", fmt::join(mistakes, "; ")),
                      .phase = "migrate"}};
}

migrate::Draft make(const Config& config, Connection& target, Connection& replication) {
  const auto now = look_around(config, replication, target);
  require_sight(config, now);
  const auto tables = mapped_tables(config, now);
  const auto names = targets_of(tables);
  const auto found = apply::read_tables(target, names);
  const auto types = apply::read_types(target, now.relations, config.tables);
  const auto shapes = compare::read_shapes(target, names);
  const auto catalog = migrate::read_draft_catalog(target, now.shapes.tables);
  const auto former = former_targets(config, now, names, target);
  const auto around = surroundings_of(config, now, tables);

  migrate::DraftInput input{.pipeline = config.pipeline, .tables = {}, .catalog = catalog, .types = types};
  for (const auto& table : tables) {
    const auto on_target = found.find(*table.mapping.target);
    const auto shape = shapes.find(*table.mapping.target);
    const bool is_there = on_target != found.end() && shape != shapes.end();
    migrate::DraftTable entry{.relation = *table.relation, .mapping = table.mapping, .source = *table.source};
    entry.differences =
        plan_table(*table.relation, table.mapping, is_there ? &on_target->second : nullptr, types).second;
    if (is_there) {
      entry.target = &shape->second;
      entry.observations = compare::compare({*table.relation, table.mapping, *table.source, shape->second}, around);
    } else if (const auto renamed = former.find(table.relation->oid); renamed != former.end()) {
      entry.former = renamed->second;
    }
    input.tables.push_back(std::move(entry));
  }
  if (config.migrations.conninfo) {
    auto session = migrate::open_session(config);
    if (auto role = user_of(target); role != user_of(session)) input.grantee = std::move(role);
  }
  return migrate::make_draft(input);
}

}  // namespace

DraftAnswer draft_migration(const Config& config, const DraftRequest& request) {
  int last = 0;
  if (request.write) last = last_number(migration_status(config));
  auto target = apply::open_target(config, nullptr);
  auto replication = stream::open_replication(config, nullptr);
  target.set_phase("migrate");
  replication.set_phase("migrate");
  DraftAnswer answer{.draft = make(config, target, replication), .file = std::nullopt};
  if (answer.draft.sql.empty()) return answer;
  require_acceptance(answer.draft);
  if (request.write) {
    answer.file = migrate::write_draft(config.migrations.directory, last, request.name, answer.draft.sql);
  }
  return answer;
}

}  // namespace walgate::service
