#include "stream/source_catalog.hpp"

#include <fmt/format.h>

#include <map>

#include "catalog/identifier.hpp"

namespace walgate::stream {

namespace {

using postgres::bool_field;
using postgres::number_field;
using postgres::rows;
using postgres::text_field;

/// The published tables with the names of their published columns; {0} are the publications.
constexpr std::string_view published = R"(
published AS (SELECT schemaname, tablename, array_agg(DISTINCT a) AS attnames FROM pg_publication_tables,
  LATERAL unnest(attnames) a WHERE pubname IN ({0}) AND schemaname <> 'walgate' GROUP BY 1, 2))";

/// For the types of their columns what each is made of.
constexpr std::string_view parts = R"(
parts(type, part) AS (
  SELECT DISTINCT a.atttypid, a.atttypid FROM published p JOIN pg_namespace n ON n.nspname = p.schemaname
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION
  SELECT parts.type, made_of.type FROM parts JOIN pg_type t ON t.oid = parts.part,
    LATERAL (SELECT t.typbasetype WHERE t.typtype = 'd'
             UNION ALL SELECT t.typelem WHERE t.typsend = 'pg_catalog.array_send'::regproc AND t.typelem <> 0
             UNION ALL SELECT atttypid FROM pg_attribute
                        WHERE t.typtype = 'c' AND attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped
             UNION ALL SELECT rngsubtype FROM pg_range WHERE rngtypid = t.oid
             UNION ALL SELECT rngtypid FROM pg_range WHERE rngmultitypid = t.oid) AS made_of(type)))";

/// The types that travel as text, as the extension's value_codec.cpp chooses them.
constexpr std::string_view text_types = R"(
text_types AS (
  SELECT DISTINCT parts.type FROM parts JOIN pg_type t ON t.oid = parts.part
    LEFT JOIN pg_proc send ON send.oid = t.typsend
   WHERE t.typsend = 0 OR t.typreceive = 0
      OR (send.pronamespace = 'pg_catalog'::regnamespace
          AND (send.proname ~ '^reg.*send$'
               OR send.proname IN ('xml_send', 'tsquerysend', 'oidvectorsend', 'int2vectorsend')))))";

}  // namespace

std::vector<std::string> existing_publications(postgres::Connection& source, const std::vector<std::string>& names) {
  const auto result = source.exec(
      fmt::format("SELECT pubname FROM pg_catalog.pg_publication WHERE pubname IN ({})", quote_literals(names)));
  std::vector<std::string> found;
  for (int row = 0; row < rows(result); ++row) found.push_back(text_field(result, row, 0));
  return found;
}

std::vector<wire::Relation> published_relations(postgres::Connection& source,
                                                const std::vector<std::string>& publications) {
  // One row per column.  The identity index is the primary key, or the one that REPLICA IDENTITY USING INDEX chose; a
  // deferrable one identifies nothing (relcache.c, RelationGetIndexList).
  const auto result = source.exec(fmt::format(
      "WITH RECURSIVE chain(oid, at) AS (SELECT oid, oid FROM pg_type WHERE typtype = 'd' UNION ALL "
      "SELECT chain.oid, t.typbasetype FROM chain JOIN pg_type t ON t.oid = chain.at WHERE t.typtype = 'd'), "
      "base AS (SELECT chain.oid, chain.at FROM chain JOIN pg_type e ON e.oid = chain.at AND e.typtype <> 'd'), "
      "{0}, {2}, {3} "
      "SELECT c.oid, c.relkind, c.relreplident, n.nspname, c.relname, a.attname, "
      "coalesce(a.attnum = ANY (i.indkey::int2[]) AND i.indimmediate, false), "
      "t.oid IN (SELECT type FROM text_types), "
      "t.typtype, t.oid, coalesce(b.at, t.oid), a.atttypmod, tn.nspname, t.typname, a.attnum "
      "FROM published p JOIN pg_namespace n ON n.nspname = p.schemaname "
      "JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename "
      "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
      "JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace "
      "LEFT JOIN base b ON b.oid = t.oid "
      "LEFT JOIN pg_index i ON i.indrelid = c.oid AND ((c.relreplident = 'd' AND i.indisprimary) "
      "OR (c.relreplident = 'i' AND i.indisreplident)) "
      // A stored generated column travels where it is part of the identity: the row could not be found without it.
      "WHERE (a.attname = ANY (p.attnames) AND (a.attgenerated = '' OR {1})) "
      "OR (a.attgenerated = 's' AND a.attnum = ANY (i.indkey::int2[]) AND i.indimmediate) "
      "ORDER BY n.nspname, c.relname, a.attnum",
      fmt::format(published, quote_literals(publications)),
      // Before 18 the list names generated columns that are never published.
      source.server_version() >= 180000 ? "true" : "false", parts, text_types));
  std::vector<wire::Relation> relations;
  for (int row = 0; row < rows(result); ++row) {
    const auto oid = static_cast<std::uint32_t>(number_field(result, row, 0));
    if (relations.empty() || relations.back().oid != oid) {
      wire::Relation relation;
      relation.oid = oid;
      relation.relkind = text_field(result, row, 1).at(0);
      relation.replica_identity = text_field(result, row, 2).at(0);
      relation.schema = text_field(result, row, 3);
      relation.name = text_field(result, row, 4);
      relations.push_back(std::move(relation));
    }
    auto& relation = relations.back();
    wire::Column column;
    column.name = text_field(result, row, 5);
    column.is_key = bool_field(result, row, 6);
    column.format = bool_field(result, row, 7) ? wire::ValueFormat::text : wire::ValueFormat::binary;
    column.type_kind = text_field(result, row, 8).at(0);
    column.type_oid = static_cast<std::uint32_t>(number_field(result, row, 9));
    column.base_oid = static_cast<std::uint32_t>(number_field(result, row, 10));
    column.typmod = static_cast<std::int32_t>(number_field(result, row, 11));
    column.type_schema = text_field(result, row, 12);
    column.type_name = text_field(result, row, 13);
    column.number = static_cast<std::uint16_t>(number_field(result, row, 14));
    if (column.is_key) ++relation.key_columns;
    relation.columns.push_back(std::move(column));
  }
  return relations;
}

std::set<std::uint32_t> types_with_money(postgres::Connection& source, const std::vector<std::string>& publications) {
  const auto result = source.exec(
      fmt::format("WITH RECURSIVE {}, {} SELECT DISTINCT type::oid FROM parts WHERE part = 'pg_catalog.money'::regtype",
                  fmt::format(published, quote_literals(publications)), parts));
  std::set<std::uint32_t> types;
  for (int row = 0; row < rows(result); ++row) types.insert(static_cast<std::uint32_t>(number_field(result, row, 0)));
  return types;
}

}  // namespace walgate::stream
