#include "service/migration_draft.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apply/known_tables.hpp"
#include "apply/target_catalog.hpp"
#include "apply/target_session.hpp"
#include "compare/description_reader.hpp"
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
  if (now.descriptions.missing.empty()) return;
  throw Error{Failure{.name = ErrorName::lock_not_available,
                      .recovery = Recovery::retry,
                      .message = "the source's tables could not be looked at: " + now.descriptions.missing,
                      .remedy = "find who holds the lock (pg_locks, pg_stat_activity), and try again when it is free",
                      .phase = "migrate"}};
}

/// Target tables that hold the rows of source tables under names that those have no more; by the OID of the source's.
std::map<std::uint32_t, QualifiedName> former_targets(const Config& config, const KnownTables& remembered,
                                                      const std::vector<QualifiedName>& in_use, Connection& target) {
  std::vector<QualifiedName> candidates;
  std::map<QualifiedName, std::uint32_t> source_of;
  for (const auto& [name, known] : remembered) {
    const auto mapping = map_table(config.tables, name);
    if (!mapping.target || std::ranges::find(in_use, *mapping.target) != in_use.end()) continue;
    candidates.push_back(*mapping.target);
    source_of[*mapping.target] = known.oid;
  }
  std::map<std::uint32_t, QualifiedName> former;
  if (candidates.empty()) return former;
  for (const auto& [name, table] : apply::read_tables(target, candidates)) former[source_of.at(name)] = name;
  return former;
}

/// The columns that the target remembers of the table, if they filled the table that is there.
const TableShape* seen_columns(const HeldTables& held, const wire::Relation& relation, const TargetTable& target) {
  const auto found = held.find(relation.oid);
  return found == held.end() || found->second.shape.target_oid != target.oid ? nullptr : &found->second.shape;
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

/// What the target has for the tables of the source, asked for once.
struct TargetSide {
  std::map<QualifiedName, TargetTable> tables;
  compare::TableDescriptions described;
  TargetTypes types;
  RememberedTables remembered;
  std::map<std::uint32_t, QualifiedName> former;
};

migrate::DraftTable draft_table(const MappedTable& table, const TargetSide& side, const compare::Surroundings& around) {
  const auto& relation = *table.relation;
  migrate::DraftTable entry{.relation = relation, .mapping = table.mapping, .source = *table.source};
  const auto found = side.tables.find(*table.mapping.target);
  const auto described = side.described.find(*table.mapping.target);
  if (found == side.tables.end() || described == side.described.end()) {
    entry.differences = plan_table(relation, table.mapping, nullptr, side.types).second;
    if (const auto former = side.former.find(relation.oid); former != side.former.end()) entry.former = former->second;
    return entry;
  }
  entry.target = &described->second;
  entry.differences = plan_table(relation, table.mapping, &found->second, side.types).second;
  entry.seen = seen_columns(side.remembered.held, relation, found->second);
  if (entry.seen != nullptr) {
    entry.changes = compare_shape(*entry.seen, relation, table.mapping, found->second).differences;
  }
  entry.observations = compare::compare({relation, table.mapping, *table.source, described->second}, around);
  return entry;
}

migrate::Draft make(const Config& config, Connection& target, Connection& replication) {
  const auto now = look_around(config, replication, target);
  require_sight(config, now);
  const auto tables = mapped_tables(config, now);
  const auto names = targets_of(tables);
  TargetSide side{.tables = apply::read_tables(target, names),
                  .described = compare::read_descriptions(target, names),
                  .types = apply::read_types(target, now.relations, config.tables)};
  if (now.registration) side.remembered = apply::read_known_tables(target, config.pipeline);
  side.former = former_targets(config, side.remembered.tables, names, target);
  const auto catalog = migrate::read_draft_catalog(target, now.descriptions.tables);
  const auto around = surroundings_of(config, now, tables);

  migrate::DraftInput input{.pipeline = config.pipeline, .tables = {}, .catalog = catalog, .types = side.types};
  for (const auto& table : tables) {
    const auto known = side.remembered.tables.find(table.source->name);
    const bool is_ignored = known != side.remembered.tables.end() && known->second.state == TableState::ignored;
    if (!is_ignored) input.tables.push_back(draft_table(table, side, around));
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
