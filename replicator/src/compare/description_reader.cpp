#include "compare/description_reader.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace walgate::compare {

namespace {

using nlohmann::json;

/// One row per table.  {0}: the wanted names; {1}: names of publications; {2}, {3}: what only PostgreSQL 18 knows of a
/// constraint.
constexpr std::string_view query = R"(
WITH RECURSIVE
wanted AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind
    FROM (VALUES {0}) AS w(s, r) JOIN pg_namespace n ON n.nspname = w.s::name
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.r::name AND c.relkind IN ('r', 'p')),
changing AS (
  SELECT DISTINCT schemaname, tablename FROM pg_publication_tables JOIN pg_publication USING (pubname)
   WHERE pubname IN ({1}) AND (pubupdate OR pubdelete)),
-- A domain stands on its base through a chain of domains.
chain(type, at, kind, typmod, not_null) AS (
  SELECT DISTINCT t.oid, t.oid, t.typtype, -1, false FROM wanted
    JOIN pg_attribute a ON a.attrelid = wanted.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid
  UNION ALL
  SELECT chain.type, b.oid, b.typtype, d.typtypmod, chain.not_null OR d.typnotnull
    FROM chain JOIN pg_type d ON d.oid = chain.at AND d.typtype = 'd' JOIN pg_type b ON b.oid = d.typbasetype),
made_of AS (
  SELECT chain.type, chain.typmod, chain.not_null, b.oid AS base, e.oid IS NOT NULL AS is_array,
         coalesce(e.oid, b.oid) AS leaf, coalesce(own.typelem, 0) AS own_element
    FROM chain JOIN pg_type b ON b.oid = chain.at
    LEFT JOIN pg_type e ON e.oid = b.typelem AND b.typsubscript = 'array_subscript_handler'::regproc
    LEFT JOIN pg_type own ON own.oid = chain.type AND own.typsubscript = 'array_subscript_handler'::regproc
   WHERE chain.kind <> 'd'),
type_text AS (
  SELECT m.type, m.not_null, json_build_object(
           'base', format_type(m.base, m.typmod), 'is_domain', m.base <> m.type, 'typmod', m.typmod,
           'array', m.is_array, 'leaf', m.leaf::int8, 'leaf_kind', leaf.typtype, 'leaf_schema', leaf_schema.nspname,
           'leaf_name', leaf.typname, 'schema', named_schema.nspname, 'name', named.typname, 'kind', named.typtype,
           'extension', (SELECT x.extname FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid
                          WHERE d.classid = 'pg_type'::regclass AND d.objid = named.oid AND d.deptype = 'e'
                            AND d.refclassid = 'pg_extension'::regclass),
           'labels', (SELECT json_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = m.leaf),
           'checks', (SELECT json_agg(pg_get_constraintdef(k.oid) ORDER BY k.conname)
                        FROM chain JOIN pg_constraint k ON k.contypid = chain.at
                       WHERE chain.type = m.type AND k.contype = 'c')) AS about
    FROM made_of m JOIN pg_type leaf ON leaf.oid = m.leaf JOIN pg_namespace leaf_schema ON leaf_schema.oid = leaf.typnamespace
    JOIN pg_type named ON named.oid = CASE WHEN m.own_element <> 0 THEN m.own_element ELSE m.type END
    JOIN pg_namespace named_schema ON named_schema.oid = named.typnamespace)
SELECT w.nspname, w.relname, json_build_object(
  'relkind', w.relkind,
  'rows_change', (w.nspname, w.relname) IN (SELECT schemaname, tablename FROM changing),
  'columns', (
    SELECT json_agg(json_build_object(
        'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'typmod', a.atttypmod, 'about', t.about,
        -- From 18 on NOT NULL may be NOT VALID: no new row escapes it, older ones may.
        'not_null', t.not_null OR (a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint k
           WHERE k.conrelid = w.oid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated)),
        'refuses_null', t.not_null OR a.attnotnull,
        'default', coalesce(pg_get_expr(d.adbin, d.adrelid), y.typdefault),
        -- Of a partitioned table its leaves know it.
        'missing', CASE WHEN y.typdelim = ',' AND e.typdelim = ',' THEN
           CASE WHEN a.atthasmissing THEN (a.attmissingval::text::text[])[1]
                WHEN w.relkind = 'p' THEN (SELECT (m.attmissingval::text::text[])[1]
                  FROM pg_partition_tree(w.oid) leaf JOIN pg_attribute m ON m.attrelid = leaf.relid AND m.attname = a.attname
                 WHERE leaf.isleaf AND m.atthasmissing ORDER BY leaf.relid LIMIT 1) END END,
        -- Rows of the system's columns are as old as the table.
        'added', a.xmin <> (SELECT s.xmin FROM pg_attribute s WHERE s.attrelid = w.oid AND s.attnum = -6),
        'generated', a.attgenerated, 'identity', a.attidentity,
        'collation', (SELECT quote_ident(n.nspname) || '.' || quote_ident(l.collname) FROM pg_collation l
           JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = a.attcollation AND a.attcollation <> y.typcollation))
      ORDER BY a.attnum)
      FROM pg_attribute a JOIN type_text t ON t.type = a.atttypid JOIN pg_type y ON y.oid = a.atttypid
      LEFT JOIN pg_type e ON e.oid = CASE WHEN y.typelem = 0 THEN y.oid ELSE y.typelem END
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'indexes', (
    SELECT json_agg(json_build_object(
        'name', c.relname, 'method', m.amname, 'unique', i.indisunique, 'primary', i.indisprimary,
        'immediate', i.indimmediate, 'valid', i.indisvalid AND i.indisready, 'exclusion', i.indisexclusion,
        'nulls_not_distinct', i.indnullsnotdistinct, 'predicate', pg_get_expr(i.indpred, i.indrelid),
        'constraint', k.conname, 'period', coalesce({2}, false),
        'columns', (SELECT json_agg(json_build_object(
             'name', a.attname, 'expression', CASE WHEN a.attname IS NULL THEN pg_get_indexdef(i.indexrelid, at::int, false) END,
             'deterministic', coalesce(l.collisdeterministic, true)) ORDER BY at)
           FROM unnest(i.indkey::int2[], i.indcollation::oid[]) WITH ORDINALITY AS key(attnum, colloid, at)
           LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.attnum
           LEFT JOIN pg_collation l ON l.oid = key.colloid WHERE at <= i.indnkeyatts))
      ORDER BY i.indisprimary DESC, c.relname)
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
      LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
     WHERE i.indrelid = w.oid),
  'constraints', (
    SELECT json_agg(json_build_object(
        'name', k.conname, 'kind', k.contype, 'definition', pg_get_constraintdef(k.oid), 'validated', k.convalidated,
        'enforced', {3}, 'referenced_schema', rn.nspname, 'referenced_name', r.relname,
        'columns', (SELECT json_agg(a.attname ORDER BY at) FROM unnest(k.conkey) WITH ORDINALITY AS key(attnum, at)
           JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.attnum),
        'referenced_columns', (SELECT json_agg(a.attname ORDER BY at) FROM unnest(k.confkey) WITH ORDINALITY AS key(attnum, at)
           JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = key.attnum))
      ORDER BY k.conname)
      FROM pg_constraint k LEFT JOIN pg_class r ON r.oid = k.confrelid LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
     WHERE k.conrelid = w.oid AND k.contype IN ('c', 'x', 'f')
       AND (k.contype <> 'f' OR NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = k.conparentid AND p.conrelid = w.oid))))
  FROM wanted w)";

/// For the transaction that the query and these are, sent as one message.  Whoever prints an expression opens its
/// table; values have to look the same on both sides.
constexpr auto settings =
    "SET LOCAL lock_timeout = '2s'; SET LOCAL standard_conforming_strings = on; SET LOCAL quote_all_identifiers = off; "
    "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres'; "
    "SET LOCAL extra_float_digits = 3; SET LOCAL bytea_output = 'hex';";

std::string text_of(const json& object, const char* key) {
  const auto& value = object.at(key);
  return value.is_null() ? std::string{} : value.get<std::string>();
}

char letter_of(const json& object, const char* key) {
  const auto text = text_of(object, key);
  return text.empty() ? '\0' : text.front();
}

std::vector<std::string> texts_of(const json& object, const char* key) {
  const auto& value = object.at(key);
  return value.is_null() ? std::vector<std::string>{} : value.get<std::vector<std::string>>();
}

std::optional<std::string> optional_of(const json& object, const char* key) {
  const auto& value = object.at(key);
  return value.is_null() ? std::nullopt : std::optional{value.get<std::string>()};
}

/// Objects of a list that json_agg has made, which is null when it is empty.
template <typename Read>
auto list_of(const json& object, const char* key, Read read) {
  std::vector<decltype(read(object))> list;
  for (const auto& element : object.at(key)) list.push_back(read(element));
  return list;
}

ColumnType type_of(const json& column) {
  const auto& about = column.at("about");
  const bool is_domain = about.at("is_domain");
  ColumnType type;
  type.text = text_of(column, "type");
  type.base_text = is_domain ? text_of(about, "base") : type.text;
  type.array = about.at("array");
  type.leaf = about.at("leaf");
  type.typmod = is_domain ? about.at("typmod") : column.at("typmod");
  type.leaf_kind = letter_of(about, "leaf_kind");
  type.leaf_name = {text_of(about, "leaf_schema"), text_of(about, "leaf_name")};
  type.named = {text_of(about, "schema"), text_of(about, "name")};
  type.named_kind = letter_of(about, "kind");
  type.extension = text_of(about, "extension");
  type.labels = texts_of(about, "labels");
  type.domain_checks = texts_of(about, "checks");
  return type;
}

ColumnDescription column_of(const json& object) {
  ColumnDescription column;
  column.name = text_of(object, "name");
  column.type = type_of(object);
  column.not_null = object.at("not_null");
  column.refuses_null = object.at("refuses_null");
  column.default_value = optional_of(object, "default");
  column.missing = optional_of(object, "missing");
  column.added = object.at("added");
  column.generated = letter_of(object, "generated");
  column.identity = letter_of(object, "identity");
  column.collation = text_of(object, "collation");
  return column;
}

IndexDescription index_of(const json& object) {
  IndexDescription index;
  index.name = text_of(object, "name");
  index.method = text_of(object, "method");
  index.columns = list_of(object, "columns", [](const json& column) {
    return IndexColumn{text_of(column, "name"), text_of(column, "expression"), column.at("deterministic")};
  });
  index.predicate = text_of(object, "predicate");
  index.constraint = text_of(object, "constraint");
  index.unique = object.at("unique");
  index.primary = object.at("primary");
  index.immediate = object.at("immediate");
  index.valid = object.at("valid");
  index.exclusion = object.at("exclusion");
  index.period = object.at("period");
  index.nulls_not_distinct = object.at("nulls_not_distinct");
  return index;
}

ConstraintDescription constraint_of(const json& object) {
  ConstraintDescription constraint;
  constraint.name = text_of(object, "name");
  constraint.kind = letter_of(object, "kind");
  constraint.definition = text_of(object, "definition");
  constraint.validated = object.at("validated");
  constraint.enforced = object.at("enforced");
  constraint.columns = texts_of(object, "columns");
  constraint.referenced = {text_of(object, "referenced_schema"), text_of(object, "referenced_name")};
  constraint.referenced_columns = texts_of(object, "referenced_columns");
  return constraint;
}

}  // namespace

TableDescriptions read_descriptions(postgres::Connection& session, const std::vector<QualifiedName>& wanted,
                                    const std::vector<std::string>& publications) {
  TableDescriptions tables;
  if (wanted.empty()) return tables;
  std::string names;
  for (const auto& name : wanted) {
    names += fmt::format("{}({}, {})", names.empty() ? "" : ", ", quote_literal(name.schema), quote_literal(name.name));
  }
  const bool knows_18 = session.server_version() >= 180000;
  const auto result = session.exec(
      settings + fmt::format(fmt::runtime(query), names, publications.empty() ? "NULL" : quote_literals(publications),
                             knows_18 ? "k.conperiod" : "false", knows_18 ? "k.conenforced" : "true"));
  for (int row = 0; row < postgres::rows(result); ++row) {
    const auto object = json::parse(postgres::text_field(result, row, 2));
    TableDescription table;
    table.name = {postgres::text_field(result, row, 0), postgres::text_field(result, row, 1)};
    table.relkind = letter_of(object, "relkind");
    table.rows_change = object.at("rows_change");
    table.columns = list_of(object, "columns", column_of);
    table.indexes = list_of(object, "indexes", index_of);
    table.constraints = list_of(object, "constraints", constraint_of);
    const auto name = table.name;
    tables.emplace(name, std::move(table));
  }
  return tables;
}

}  // namespace walgate::compare
