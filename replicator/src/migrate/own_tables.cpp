#include "migrate/own_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "catalog/identifier.hpp"
#include "migrate/checksum.hpp"
#include "migrate/embedded.hpp"
#include "postgres/advisory_lock.hpp"

namespace walgate::migrate {

namespace {

using postgres::Connection;

/// Rows of walgate.migrations that belong to walgate itself carry this scope.
constexpr std::string_view own_scope = "walgate";

std::set<std::string> applied(Connection& target) {
  std::set<std::string> names;
  const auto exists = target.exec("SELECT to_regclass('walgate.migrations') IS NOT NULL");
  if (!bool_field(exists, 0, 0)) return names;
  const auto result =
      target.exec(fmt::format("SELECT id FROM walgate.migrations WHERE scope = {}", quote_literal(own_scope)));
  for (int row = 0; row < rows(result); ++row) names.insert(text_field(result, row, 0));
  return names;
}

}  // namespace

std::vector<std::string> missing_own_migrations(Connection& target) {
  const auto known = applied(target);
  const auto own = embedded_migrations();
  for (const auto& name : known) {
    if (std::ranges::none_of(own, [&](const auto& migration) { return migration.name == name; })) {
      throw Error{
          Failure{.name = ErrorName::not_initialised,
                  .message = fmt::format("walgate's tables on the target are newer than this program: they know "
                                         "the migration \"{}\"",
                                         name),
                  .remedy = "run the version of walgate that made them, or a later one",
                  .phase = "check"}};
    }
  }
  std::vector<std::string> missing;
  for (const auto& migration : own) {
    if (!known.contains(std::string{migration.name})) missing.emplace_back(migration.name);
  }
  return missing;
}

std::vector<std::string> bring_up_own_tables(Connection& target) {
  target.exec("BEGIN");
  // Two runners at once: one waits.
  target.exec(fmt::format("SELECT pg_catalog.pg_advisory_xact_lock({}, {})", postgres::advisory_lock_class,
                          postgres::own_tables_lock));
  if (!bool_field(target.exec("SELECT to_regnamespace('walgate') IS NOT NULL"), 0, 0)) {
    target.exec("CREATE SCHEMA walgate");
  }
  target.exec(
      "CREATE TABLE IF NOT EXISTS walgate.migrations ("
      "scope text, id text, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), "
      "applied_by name NOT NULL DEFAULT session_user, PRIMARY KEY (scope, id))");
  const auto missing = missing_own_migrations(target);
  for (const auto& migration : embedded_migrations()) {
    if (std::ranges::find(missing, migration.name) == missing.end()) continue;
    target.exec(std::string{migration.sql});
    target.exec(fmt::format("INSERT INTO walgate.migrations (scope, id, checksum) VALUES ({}, {}, {})",
                            quote_literal(own_scope), quote_literal(migration.name),
                            quote_literal(sha256(migration.sql))));
  }
  target.exec("COMMIT");
  return missing;
}

}  // namespace walgate::migrate
