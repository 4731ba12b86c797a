#include "migrate/rights.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catalog/identifier.hpp"

namespace walgate::migrate {

std::vector<std::string> grant_own_tables(postgres::Connection& session, const std::string& role) {
  std::vector<std::string> done;
  const auto schema = session.exec("SELECT pg_catalog.has_schema_privilege($1::name, 'walgate', 'USAGE')", {role});
  if (!bool_field(schema, 0, 0)) {
    session.exec(fmt::format("GRANT USAGE ON SCHEMA walgate TO {}", quote_identifier(role)));
    done.push_back(fmt::format("granted USAGE on schema walgate to {}", display_identifier(role)));
  }
  // In one database with the source the schema also holds the extension's relations, which are not ours.
  const auto lacking = session.exec(
      "SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = 'walgate'::regnamespace AND relkind IN ('r', 'p') "
      "AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = "
      "pg_class.oid AND deptype = 'e') "
      "AND NOT (pg_catalog.has_table_privilege($1::name, pg_class.oid, 'SELECT') "
      "AND pg_catalog.has_table_privilege($1::name, pg_class.oid, 'INSERT') "
      "AND pg_catalog.has_table_privilege($1::name, pg_class.oid, 'UPDATE') "
      "AND pg_catalog.has_table_privilege($1::name, pg_class.oid, 'DELETE')) ORDER BY 1",
      {role});
  std::vector<std::string> tables;
  for (int row = 0; row < rows(lacking); ++row)
    tables.push_back("walgate." + quote_identifier(text_field(lacking, row, 0)));
  if (!tables.empty()) {
    session.exec(fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}", fmt::join(tables, ", "),
                             quote_identifier(role)));
    done.push_back(fmt::format("granted {} of walgate's own tables to {}", tables.size(), display_identifier(role)));
  }
  return done;
}

void require_ledger(postgres::Connection& session) {
  const auto result = session.exec(
      "SELECT pg_catalog.has_schema_privilege(pg_namespace.oid, 'USAGE') AND (relowner IS NULL OR "
      "(pg_catalog.has_table_privilege(pg_class.oid, 'SELECT') AND pg_catalog.has_table_privilege(pg_class.oid, "
      "'INSERT') "
      "AND pg_catalog.has_table_privilege(pg_class.oid, 'UPDATE') AND "
      "pg_catalog.has_table_privilege(pg_class.oid, 'DELETE'))), "
      "pg_catalog.pg_get_userbyid(coalesce(relowner, nspowner)), current_user FROM pg_catalog.pg_namespace "
      "LEFT JOIN pg_catalog.pg_class ON relnamespace = pg_namespace.oid AND relname = 'migrations' "
      "WHERE nspname = 'walgate'");
  if (rows(result) == 0 || bool_field(result, 0, 0)) return;
  const auto owner = display_identifier(text_field(result, 0, 1));
  const auto us = display_identifier(text_field(result, 0, 2));
  throw Error{
      Failure{.name = ErrorName::target_role_not_allowed,
              .message = fmt::format("role {} may not read and write the ledger walgate.migrations, which "
                                     "belongs to {}",
                                     us, owner),
              .remedy = fmt::format("GRANT {} TO {}, so that it may also bring walgate's own tables up", owner, us),
              .phase = "migrate"}};
}

}  // namespace walgate::migrate
