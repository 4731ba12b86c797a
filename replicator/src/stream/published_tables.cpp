#include "stream/published_tables.hpp"

#include <fmt/format.h>

namespace walgate::stream {

namespace {

/// One row per publication and relation with rows of its own.  Where several publications have a relation, the one that
/// publishes it under the highest root decides (Publications::selection_of of the extension).
constexpr std::string_view query = R"(
WITH RECURSIVE publication AS (
  SELECT oid, pubname, puballtables, pubviaroot,
         concat_ws(' ', CASE WHEN pubinsert THEN 'insert' END, CASE WHEN pubupdate THEN 'update' END,
                   CASE WHEN pubdelete THEN 'delete' END, CASE WHEN pubtruncate THEN 'truncate' END) AS operations
    FROM pg_catalog.pg_publication WHERE pubname IN ({})),
publishable AS (
  SELECT c.oid, c.relnamespace, c.relname, c.relkind, n.nspname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND c.oid >= 16384 AND n.nspname <> 'walgate'),
entry(publication, relid, id, columns, filter) AS (
  SELECT p.oid, r.prrelid, r.oid, coalesce(r.prattrs::text, ''), coalesce(pg_catalog.md5(r.prqual::text), '')
    FROM publication p JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid
  UNION ALL
  SELECT p.oid, c.oid, s.oid, '', ''
    FROM publication p JOIN pg_catalog.pg_publication_namespace s ON s.pnpubid = p.oid
    JOIN publishable c ON c.relnamespace = s.pnnspid
  UNION ALL
  SELECT p.oid, c.oid, 0::oid, '', '' FROM publication p JOIN publishable c ON p.puballtables),
-- A partition was born in its place when its row type is as old as its link to its parent.
descendant(publication, root, id, columns, filter, relid, depth, born) AS (
  SELECT publication, relid, id, columns, filter, relid, 0, true FROM entry
  UNION ALL
  SELECT d.publication, d.root, d.id, d.columns, d.filter, i.inhrelid, d.depth + 1, d.born AND a.xmin = i.xmin
    FROM descendant d JOIN pg_catalog.pg_inherits i ON i.inhparent = d.relid AND NOT i.inhdetachpending
    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relispartition
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.inhrelid AND a.attnum = -6),
place AS (
  SELECT d.*, p.pubname, p.operations, c.nspname, c.relname, c.relkind,
         CASE WHEN p.pubviaroot THEN d.root ELSE d.relid END AS published_as,
         CASE WHEN p.pubviaroot THEN d.depth ELSE 0 END AS height
    FROM descendant d JOIN publication p ON p.oid = d.publication JOIN publishable c ON c.oid = d.relid
   WHERE c.relkind = 'r' OR p.pubviaroot),
highest AS (SELECT *, max(height) OVER (PARTITION BY relid) AS top FROM place)
SELECT c.oid, c.nspname, c.relname, h.pubname, h.publication || '.' || h.id, h.operations,
       CASE WHEN h.root = c.oid THEN h.columns ELSE '' END, CASE WHEN h.root = c.oid THEN h.filter ELSE '' END,
       h.relid, h.nspname, h.relname, h.relkind = 'r' AND h.relid <> c.oid, NOT h.born
  FROM highest h JOIN publishable c ON c.oid = h.published_as
 WHERE h.height = h.top ORDER BY 1, 4, h.id)";

}  // namespace

Published published_tables(postgres::Connection& source, const std::vector<std::string>& publications) {
  using postgres::text_field;
  const auto oid_field = [](const postgres::Result& result, int row, int column) {
    return static_cast<std::uint32_t>(postgres::number_field(result, row, column));
  };
  Published published;
  published.as_of = lsn_field(source.exec("SELECT pg_catalog.pg_current_wal_flush_lsn()"), 0, 0);
  const auto result = source.exec(fmt::format(query, quote_literals(publications)));
  for (int row = 0; row < postgres::rows(result); ++row) {
    auto& table = published.tables[{text_field(result, row, 1), text_field(result, row, 2)}];
    table.oid = oid_field(result, row, 0);
    auto& entry = table.entries[text_field(result, row, 3)];
    entry.operations = text_field(result, row, 5);
    // A publication may hold a table by its schema as well; rows are sorted by entry, so equal ones are neighbours.
    if (const auto id = text_field(result, row, 4); !entry.ids.ends_with(id)) {
      entry.ids += (entry.ids.empty() ? "" : " ") + id;
      entry.columns += text_field(result, row, 6);
      entry.filter += text_field(result, row, 7);
    }
    if (postgres::bool_field(result, row, 11)) {
      table.partitions[oid_field(result, row, 8)] = {
          .name = QualifiedName{text_field(result, row, 9), text_field(result, row, 10)}.display(),
          .attached = postgres::bool_field(result, row, 12)};
    }
  }
  return published;
}

}  // namespace walgate::stream
