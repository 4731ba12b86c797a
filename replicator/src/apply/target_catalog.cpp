#include "apply/target_catalog.hpp"

#include <fmt/format.h>

#include <set>

namespace walgate::apply {

namespace {

using postgres::bool_field;
using postgres::Connection;
using postgres::list_field;
using postgres::number_field;
using postgres::rows;
using postgres::text_field;

std::string array_of_literals(const std::vector<std::string>& items) {
  return "ARRAY[" + quote_literals(items) + "]::text[]";
}

std::uint32_t oid_field(const postgres::Result& result, int row, int column) {
  return static_cast<std::uint32_t>(number_field(result, row, column));
}

char char_field(const postgres::Result& result, int row, int column) {
  const auto text = text_field(result, row, column);
  return text.empty() ? '\0' : text.front();
}

using TablesByOid = std::map<std::uint32_t, TargetTable>;

std::string oid_list(const TablesByOid& tables) {
  std::string text;
  for (const auto& [oid, table] : tables) text += fmt::format("{}{}", text.empty() ? "" : ",", oid);
  return text;
}

TablesByOid read_relations(Connection& target, const std::vector<QualifiedName>& wanted) {
  std::vector<std::string> schemas;
  std::vector<std::string> names;
  for (const auto& name : wanted) {
    schemas.push_back(name.schema);
    names.push_back(name.name);
  }
  const auto result = target.exec(fmt::format(
      "SELECT c.oid, n.nspname, c.relname, c.relkind, "
      "CASE WHEN pg_catalog.has_schema_privilege(n.oid, 'USAGE') THEN ARRAY(SELECT p FROM "
      "pg_catalog.unnest('{{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}}'::text[]) p "
      "WHERE NOT pg_catalog.has_table_privilege(c.oid, p)) ELSE '{{USAGE of the schema}}'::text[] END "
      "FROM ROWS FROM (pg_catalog.unnest({}), pg_catalog.unnest({})) AS w(s, r) "
      "JOIN pg_catalog.pg_namespace n ON n.nspname = w.s "
      "JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.r AND c.relkind IN ('r', 'p')",
      array_of_literals(schemas), array_of_literals(names)));
  TablesByOid tables;
  for (int row = 0; row < rows(result); ++row) {
    TargetTable table;
    table.oid = oid_field(result, row, 0);
    table.name = {text_field(result, row, 1), text_field(result, row, 2)};
    table.relkind = char_field(result, row, 3);
    table.missing_rights = list_field(result, row, 4);
    tables.emplace(table.oid, std::move(table));
  }
  return tables;
}

void read_columns(Connection& target, TablesByOid& tables) {
  // A domain's base is found through its chain of domains.
  const auto result = target.exec(fmt::format(
      "WITH RECURSIVE chain(oid, at) AS (SELECT oid, oid FROM pg_catalog.pg_type WHERE typtype = 'd' UNION ALL "
      "SELECT chain.oid, t.typbasetype FROM chain JOIN pg_catalog.pg_type t ON t.oid = chain.at WHERE t.typtype = 'd') "
      "SELECT a.attrelid, a.attname, a.atttypid, b.oid, b.typcategory, pg_catalog.format_type(a.atttypid, "
      "a.atttypmod), "
      // With -1 and not NULL, which gives "character": that would be read as character(1).
      "pg_catalog.format_type(a.atttypid, -1), pg_catalog.format_type(b.oid, -1), "
      "a.attnotnull, a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL, a.attgenerated <> '', "
      "a.attidentity = 'a', "
      "CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_depend x WHERE x.classid = 'pg_catalog.pg_type'::regclass "
      "AND x.objid IN (t.oid, t.typelem) AND x.deptype = 'e') THEN t.typname ELSE '' END, a.atttypmod, "
      "coalesce((SELECT l.collisdeterministic FROM pg_catalog.pg_collation l WHERE l.oid = a.attcollation), true), "
      "a.attnum "
      "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
      "LEFT JOIN (SELECT chain.oid, chain.at FROM chain JOIN pg_catalog.pg_type e ON e.oid = chain.at "
      "AND e.typtype <> 'd') d ON d.oid = t.oid "
      "JOIN pg_catalog.pg_type b ON b.oid = coalesce(d.at, t.oid) "
      "WHERE a.attrelid IN ({}) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum",
      oid_list(tables)));
  for (int row = 0; row < rows(result); ++row) {
    TargetColumn column;
    column.name = text_field(result, row, 1);
    column.type_oid = oid_field(result, row, 2);
    column.base_oid = oid_field(result, row, 3);
    column.category = char_field(result, row, 4);
    column.type_text = text_field(result, row, 5);
    column.type_name = text_field(result, row, 6);
    column.base_name = text_field(result, row, 7);
    column.not_null = bool_field(result, row, 8);
    column.has_default = bool_field(result, row, 9);
    column.generated = bool_field(result, row, 10);
    column.identity_always = bool_field(result, row, 11);
    column.extension_type = text_field(result, row, 12);
    column.typmod = static_cast<std::int32_t>(number_field(result, row, 13));
    column.deterministic = bool_field(result, row, 14);
    column.number = static_cast<std::uint16_t>(number_field(result, row, 15));
    tables.at(oid_field(result, row, 0)).columns.push_back(std::move(column));
  }
}

void read_keys(Connection& target, TablesByOid& tables) {
  const auto result = target.exec(fmt::format(
      "SELECT i.indrelid, c.relname, i.indisprimary, i.indimmediate, ARRAY(SELECT a.attname::text FROM "
      "pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, at) JOIN pg_catalog.pg_attribute a "
      "ON a.attrelid = i.indrelid AND a.attnum = k.attnum WHERE k.at <= i.indnkeyatts ORDER BY k.at), "
      // Strategy 3 of a btree operator class is its equality.
      "ARRAY(SELECT CASE n.nspname WHEN 'pg_catalog' THEN o.oprname::text "
      "ELSE pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname) END "
      "FROM pg_catalog.unnest(i.indclass::oid[]) WITH ORDINALITY k(class, at) "
      "JOIN pg_catalog.pg_opclass x ON x.oid = k.class AND x.opcmethod = 403 JOIN pg_catalog.pg_amop p ON p.amopfamily "
      "= x.opcfamily "
      "AND p.amopstrategy = 3 AND p.amoplefttype = x.opcintype AND p.amoprighttype = x.opcintype "
      "JOIN pg_catalog.pg_operator o ON o.oid = p.amopopr JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace "
      "ORDER BY k.at) "
      "FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid "
      "WHERE i.indrelid IN ({}) AND c.relam = 403 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND "
      "i.indexprs IS NULL "
      "ORDER BY i.indrelid, i.indisprimary DESC, i.indexrelid",
      oid_list(tables)));
  for (int row = 0; row < rows(result); ++row) {
    auto& table = tables.at(oid_field(result, row, 0));
    // Replica role switches the check of a deferrable constraint off: it is no key then, and never ours.
    if (bool_field(result, row, 3)) {
      table.keys.push_back({.index = text_field(result, row, 1),
                            .columns = list_field(result, row, 4),
                            .equality = list_field(result, row, 5),
                            .primary = bool_field(result, row, 2)});
    } else {
      table.deferrable_keys.push_back(text_field(result, row, 1));
    }
  }
}

void read_foreign_keys(Connection& target, TablesByOid& tables) {
  const auto result = target.exec(fmt::format(
      "SELECT k.conrelid, k.confrelid, k.conname, n.nspname, c.relname, fn.nspname, fc.relname, k.condeferrable, "
      "k.confdeltype = 'c' "
      "FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid "
      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_class fc ON fc.oid = k.confrelid "
      "JOIN pg_catalog.pg_namespace fn ON fn.oid = fc.relnamespace "
      "WHERE k.contype = 'f' AND k.conparentid = 0 AND (k.conrelid IN ({0}) OR k.confrelid IN ({0})) "
      "ORDER BY k.conrelid, k.conname",
      oid_list(tables)));
  for (int row = 0; row < rows(result); ++row) {
    const TargetForeignKey key{.name = text_field(result, row, 2),
                               .table = {text_field(result, row, 3), text_field(result, row, 4)},
                               .referenced = {text_field(result, row, 5), text_field(result, row, 6)},
                               .deferrable = bool_field(result, row, 7),
                               .cascades = bool_field(result, row, 8)};
    if (const auto child = tables.find(oid_field(result, row, 0)); child != tables.end()) {
      child->second.foreign_keys.push_back(key);
    }
    if (const auto parent = tables.find(oid_field(result, row, 1)); parent != tables.end()) {
      parent->second.referring_keys.push_back(key);
    }
  }
}

void read_triggers(Connection& target, TablesByOid& tables) {
  const auto result =
      target.exec(fmt::format("SELECT tgrelid, tgname FROM pg_catalog.pg_trigger WHERE NOT tgisinternal AND tgenabled "
                              "= 'O' AND tgrelid IN ({}) "
                              "ORDER BY tgrelid, tgname",
                              oid_list(tables)));
  for (int row = 0; row < rows(result); ++row) {
    tables.at(oid_field(result, row, 0)).ordinary_triggers.push_back(text_field(result, row, 1));
  }
  // What acts when we write: 'O' as origin, 'R' as replica, 'A' always.  Rules carry the same letters.
  const auto acting = target.exec(
      fmt::format("WITH parts AS (SELECT c.oid, p.part FROM pg_catalog.pg_class c, LATERAL (SELECT c.oid AS part UNION "
                  "SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)) p WHERE c.oid IN ({})) "
                  "SELECT DISTINCT parts.oid, t.tgenabled FROM parts JOIN pg_catalog.pg_trigger t ON t.tgrelid = part "
                  "WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' "
                  "UNION SELECT parts.oid, r.ev_enabled FROM parts JOIN pg_catalog.pg_rewrite r ON r.ev_class = part "
                  "WHERE r.ev_enabled <> 'D'",
                  oid_list(tables)));
  for (int row = 0; row < rows(acting); ++row) {
    auto& table = tables.at(oid_field(acting, row, 0));
    const auto when = char_field(acting, row, 1);
    if (when != 'R') table.fires_as_origin = true;
    if (when != 'O') table.fires_as_replica = true;
  }
}

}  // namespace

std::map<QualifiedName, TargetTable> read_tables(Connection& target, const std::vector<QualifiedName>& wanted) {
  std::map<QualifiedName, TargetTable> by_name;
  auto tables = read_relations(target, wanted);
  if (tables.empty()) return by_name;
  read_columns(target, tables);
  read_keys(target, tables);
  read_foreign_keys(target, tables);
  read_triggers(target, tables);
  for (auto& [oid, table] : tables) {
    const auto name = table.name;
    by_name.emplace(name, std::move(table));
  }
  return by_name;
}

TargetTypes read_types(Connection& target, std::span<const wire::Relation> relations,
                       std::span<const TableRule> rules) {
  TargetTypes types;
  const auto casts =
      target.exec("SELECT castsource, casttarget FROM pg_catalog.pg_cast WHERE castcontext IN ('i', 'a')");
  for (int row = 0; row < rows(casts); ++row)
    types.casts.push_back({oid_field(casts, row, 0), oid_field(casts, row, 1)});

  const auto arrays =
      target.exec("SELECT oid, typarray FROM pg_catalog.pg_type WHERE typarray <> 0 AND typtype <> 'c'");
  for (int row = 0; row < rows(arrays); ++row) types.array_types[oid_field(arrays, row, 0)] = oid_field(arrays, row, 1);

  for (const auto& rule : rules) {
    for (const auto& [column, type] : rule.cast) {
      // What cannot even be read as a type is an error of this statement, and no type.
      const auto found = target.try_exec(
          fmt::format("SELECT pg_catalog.format_type(pg_catalog.to_regtype({}), -1)", quote_literal(type)));
      if (PQresultStatus(found.get()) != PGRES_TUPLES_OK) continue;
      if (const auto name = postgres::field(found, 0, 0)) types.cast_types[type] = *name;
    }
  }

  std::set<std::pair<std::string, std::string>> wanted;
  for (const auto& relation : relations) {
    for (const auto& column : relation.columns) wanted.insert({column.type_schema, column.type_name});
  }
  std::vector<std::string> schemas;
  std::vector<std::string> names;
  for (const auto& [schema, name] : wanted) {
    if (schema == "pg_catalog") continue;
    schemas.push_back(schema);
    names.push_back(name);
  }
  if (names.empty()) return types;
  const auto found = target.exec(
      fmt::format("SELECT w.s, w.r, t.oid FROM ROWS FROM (pg_catalog.unnest({}), pg_catalog.unnest({})) AS w(s, r) "
                  "JOIN pg_catalog.pg_namespace n ON n.nspname = w.s "
                  "JOIN pg_catalog.pg_type t ON t.typnamespace = n.oid AND t.typname = w.r",
                  array_of_literals(schemas), array_of_literals(names)));
  for (int row = 0; row < rows(found); ++row) {
    types.by_name[{text_field(found, row, 0), text_field(found, row, 1)}] = oid_field(found, row, 2);
  }
  return types;
}

}  // namespace walgate::apply
