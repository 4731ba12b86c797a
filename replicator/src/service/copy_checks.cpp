#include "service/copy_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "apply/target_catalog.hpp"
#include "catalog/table_mapping.hpp"

namespace walgate::service {

namespace {

/// Does a chain of foreign keys that are checked at once lead from the table back to `end`, over other tables?
bool leads_to(const std::map<QualifiedName, TargetTable>& tables, const QualifiedName& table, const QualifiedName& end,
              std::set<QualifiedName>& seen) {
  const auto found = tables.find(table);
  if (found == tables.end() || !seen.insert(table).second) return false;
  return std::ranges::any_of(found->second.foreign_keys, [&](const TargetForeignKey& key) {
    return !key.deferrable && key.referenced != table &&
           (key.referenced == end || leads_to(tables, key.referenced, end, seen));
  });
}

/// False where our role may not look, or the table has gone.
bool holds_rows(postgres::Connection& target, const QualifiedName& name, char relkind) {
  const auto some =
      target.try_exec(fmt::format("SELECT EXISTS (SELECT FROM {}{})", relkind == 'p' ? "" : "ONLY ", name.quoted()));
  if (PQresultStatus(some.get()) == PGRES_TUPLES_OK) return bool_field(some, 0, 0);
  constexpr std::string_view insufficient_privilege = "42501";
  constexpr std::string_view undefined_table = "42P01";
  const auto sqlstate = postgres::field_of(some.get(), PG_DIAG_SQLSTATE);
  if (sqlstate == insufficient_privilege || sqlstate == undefined_table) return false;
  target.throw_result(some.get());
}

constexpr auto in_the_way = "the table holds rows, which are in the way of its copy";

}  // namespace

std::set<QualifiedName> tables_that_may_wait(const Config& config, const Situation& now, const copy::Entries& entries) {
  std::set<QualifiedName> tables;
  const auto is_filled = [](const auto& entry) {
    return entry.second.state == copy::State::copied || entry.second.state == copy::State::excluded;
  };
  if (std::ranges::none_of(entries, is_filled)) return tables;
  for (const auto& relation : now.relations) {
    const QualifiedName table{relation.schema, relation.name};
    const auto entry = entries.find(table);
    const bool waits = entry == entries.end() || entry->second.state == copy::State::waiting;
    const bool again = entry != entries.end() && entry->second.again;
    if (waits && (again || config.copy.enabled)) tables.insert(table);
  }
  return tables;
}

copy::Entries under_new_names(copy::Entries entries, const RememberedTables& known) {
  for (const auto& [table, entry] : known.tables) {
    const auto former = known.former_name(table);
    if (!former) continue;
    if (const auto found = entries.find(*former); found != entries.end()) {
      auto before = found->second;
      entries.insert_or_assign(table, std::move(before));
    }
  }
  return entries;
}

std::optional<Difference> rows_in_the_way(const Config& config, const QualifiedName& source,
                                          const copy::Entries& entries, postgres::Connection& target) {
  const auto entry = entries.find(source);
  const auto mapping = map_table(config.tables, source);
  const bool is_first = entry != entries.end() && entry->second.state == copy::State::waiting && !entry->second.again;
  if (!is_first || !mapping.target || config.copy.existing_rows != ExistingRows::refuse) return std::nullopt;
  for (const auto& [name, table] : apply::read_tables(target, {*mapping.target})) {
    if (!holds_rows(target, name, table.relkind)) continue;
    return Difference{ErrorName::target_not_empty, name.display(), in_the_way,
                      fmt::format("empty it on the target, and it is copied; or set copy.existing_rows and start the "
                                  "service again; or, where it holds what the source's does after this transaction, "
                                  "`walgate accept --table '{}'`",
                                  source.display())};
  }
  return std::nullopt;
}

std::vector<Finding> check_copy(const Config& config, const Situation& now, const copy::Entries& entries,
                                postgres::Connection& source, postgres::Connection& target) {
  std::vector<Finding> findings;
  const auto add = [&](ErrorName name, std::string object, std::string text) {
    findings.push_back({Severity::error, name, std::move(object), std::move(text), std::string{entry_of(name).remedy}});
  };
  std::vector<std::pair<const wire::Relation*, QualifiedName>> waiting;
  std::vector<QualifiedName> targets;
  for (const auto& relation : now.relations) {
    const QualifiedName source_name{relation.schema, relation.name};
    const auto mapping = map_table(config.tables, source_name);
    const auto entry = entries.find(source_name);
    const bool waits = entry == entries.end() ? config.copy.enabled
                                              : entry->second.state == copy::State::waiting && !entry->second.again;
    if (!mapping.target || !waits) continue;
    waiting.emplace_back(&relation, *mapping.target);
    targets.push_back(*mapping.target);
  }
  const auto tables = targets.empty() ? std::map<QualifiedName, TargetTable>{} : apply::read_tables(target, targets);
  const auto may_wait = tables_that_may_wait(config, now, entries);
  for (const auto& [relation, filled] : waiting) {
    const QualifiedName source_name{relation->schema, relation->name};
    if (may_wait.contains(source_name) && !tables.contains(filled)) continue;
    const auto may = source.exec(fmt::format("SELECT pg_catalog.has_table_privilege({}, 'SELECT')", relation->oid));
    if (!bool_field(may, 0, 0)) {
      add(ErrorName::copy_not_allowed, source_name.display(), "our role on the source may not read the table");
    }
  }
  for (const auto& [table, entry] : entries) {
    // What is not flushed yet is less than a page.
    constexpr std::uint64_t unflushed = 1024 * 1024;
    if (entry.state == copy::State::copied && entry.horizon.value > now.source.flushed.value + unflushed) {
      add(ErrorName::source_restored, table.display(),
          fmt::format("the table's copy is of {}, and the source's WAL ends at {}: the source was restored to an older "
                      "state",
                      entry.horizon.text(), now.source.flushed.text()));
    }
  }
  for (const auto& [name, table] : tables) {
    if (config.copy.existing_rows == ExistingRows::refuse && holds_rows(target, name, table.relkind)) {
      add(ErrorName::target_not_empty, name.display(), in_the_way);
    }
    if (wants_replica_role(config, now)) continue;
    for (const auto& key : table.foreign_keys) {
      std::set<QualifiedName> seen;
      if (key.deferrable || key.referenced == name || !leads_to(tables, key.referenced, name, seen)) continue;
      add(ErrorName::foreign_keys_in_cycle, name.display(),
          fmt::format("foreign key {} is checked at each statement, and {} refers back to the table: neither can be "
                      "filled first",
                      display_identifier(key.name), key.referenced.display()));
    }
  }
  return findings;
}

}  // namespace walgate::service
