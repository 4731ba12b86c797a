#include "apply/known_tables.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace walgate::apply {

namespace {

using nlohmann::json;
using postgres::field;
using postgres::text_field;

json json_of(const PublishedTable& published) {
  json entries = json::object();
  for (const auto& [publication, entry] : published.entries) {
    entries[publication] = {
        {"ids", entry.ids}, {"operations", entry.operations}, {"columns", entry.columns}, {"filter", entry.filter}};
  }
  json partitions = json::object();
  for (const auto& [oid, partition] : published.partitions) {
    partitions[std::to_string(oid)] = {{"name", partition.name}, {"attached", partition.attached}};
  }
  return {{"oid", published.oid}, {"publications", entries}, {"partitions", partitions}};
}

json json_of(const TableShape& shape) {
  json columns = json::array();
  for (const auto& column : shape.columns) {
    columns.push_back({{"number", column.number},
                       {"name", column.name},
                       {"type", column.type_oid},
                       {"typmod", column.typmod},
                       {"target", column.target},
                       {"target_number", column.target_number},
                       {"target_type", column.target_type},
                       {"target_typmod", column.target_typmod},
                       {"same_type", column.same_type}});
  }
  return {{"target_oid", shape.target_oid}, {"newest_target", shape.newest_target}, {"columns", columns}};
}

std::optional<TableShape> shape_of(const std::string& text) {
  try {
    const auto stored = json::parse(text);
    TableShape shape{.target_oid = stored.at("target_oid"), .newest_target = stored.at("newest_target"), .columns = {}};
    for (const auto& column : stored.at("columns")) {
      shape.columns.push_back({.number = column.at("number"),
                               .name = column.at("name"),
                               .type_oid = column.at("type"),
                               .typmod = column.at("typmod"),
                               .target = column.at("target"),
                               .target_number = column.at("target_number"),
                               .target_type = column.at("target_type"),
                               .target_typmod = column.at("target_typmod"),
                               .same_type = column.at("same_type")});
    }
    return shape;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

/// What another release or a person wrote counts as never seen.
std::optional<PublishedTable> published_of(const std::string& text) {
  try {
    const auto stored = json::parse(text);
    PublishedTable published{.oid = stored.at("oid").get<std::uint32_t>()};
    for (const auto& [publication, entry] : stored.at("publications").items()) {
      published.entries[publication] = {.ids = entry.at("ids"),
                                        .operations = entry.at("operations"),
                                        .columns = entry.at("columns"),
                                        .filter = entry.at("filter")};
    }
    for (const auto& [oid, partition] : stored.at("partitions").items()) {
      published.partitions[static_cast<std::uint32_t>(std::stoul(oid))] = {.name = partition.at("name"),
                                                                           .attached = partition.at("attached")};
    }
    return published;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace

RememberedTables read_known_tables(postgres::Connection& target, const std::string& pipeline) {
  RememberedTables remembered;
  if (!bool_field(target.exec("SELECT pg_catalog.to_regclass('walgate.shapes') IS NOT NULL"), 0, 0)) return remembered;
  const auto looked = target.exec("SELECT tables_known FROM walgate.pipelines WHERE name = $1", {pipeline});
  remembered.looked = rows(looked) == 1 && bool_field(looked, 0, 0);
  const auto result = target.exec(
      "SELECT source_schema, source_table, oid, as_of, state, new_oid, accepted, published, accepted_at "
      "FROM walgate.tables WHERE pipeline = $1",
      {pipeline});
  for (int row = 0; row < rows(result); ++row) {
    auto& known = remembered.tables[{text_field(result, row, 0), text_field(result, row, 1)}];
    known.oid = static_cast<std::uint32_t>(number_field(result, row, 2));
    if (field(result, row, 3)) known.as_of = lsn_field(result, row, 3);
    known.state = table_state_of(text_field(result, row, 4)).value_or(TableState::streaming);
    known.new_oid = static_cast<std::uint32_t>(number_field(result, row, 5));
    known.accepted = bool_field(result, row, 6);
    if (const auto published = field(result, row, 7)) known.published = published_of(*published);
    if (field(result, row, 8)) known.accepted_at = lsn_field(result, row, 8);
  }
  const auto held =
      target.exec("SELECT oid, source_schema, source_table, shape FROM walgate.shapes WHERE pipeline = $1", {pipeline});
  for (int row = 0; row < rows(held); ++row) {
    const auto oid = static_cast<std::uint32_t>(number_field(held, row, 0));
    if (auto shape = shape_of(text_field(held, row, 3))) {
      remembered.held[oid] = {{text_field(held, row, 1), text_field(held, row, 2)}, std::move(*shape)};
    }
  }
  return remembered;
}

void write_known_tables(postgres::Connection& target, const std::string& pipeline, std::int64_t epoch,
                        const KnownTables& tables) {
  auto list = json::array();
  for (const auto& [table, known] : tables) {
    list.push_back({{"source_schema", table.schema},
                    {"source_table", table.name},
                    {"oid", known.oid},
                    {"as_of", known.as_of.is_set() ? json(known.as_of.text()) : json(nullptr)},
                    {"state", text_of(known.state)},
                    {"new_oid", known.new_oid},
                    {"accepted", known.accepted},
                    {"published", known.published ? json_of(*known.published) : json(nullptr)},
                    {"let_in", known.let_in}});
  }
  target.exec("BEGIN; SET LOCAL synchronous_commit = local");
  try {
    target.exec(
        "INSERT INTO walgate.tables AS known (pipeline, source_schema, source_table, oid, as_of, state, new_oid, "
        "accepted, published) SELECT p.pipeline, t.* FROM walgate.progress p, "
        "pg_catalog.jsonb_to_recordset($2::jsonb) AS t(source_schema text, source_table text, oid oid, as_of pg_lsn, "
        "state text, new_oid oid, accepted boolean, published jsonb) WHERE p.pipeline = $1 AND p.epoch = $3 "
        "ON CONFLICT (pipeline, source_schema, source_table) DO UPDATE SET oid = EXCLUDED.oid, as_of = EXCLUDED.as_of, "
        // At a gate a person may have accepted what these rows do not know of yet.
        "state = CASE WHEN EXCLUDED.state = 'recreated' AND known.accepted AND known.new_oid = EXCLUDED.new_oid "
        "THEN known.state ELSE EXCLUDED.state END, new_oid = EXCLUDED.new_oid, "
        "accepted = EXCLUDED.accepted OR (known.accepted AND known.new_oid = EXCLUDED.new_oid), "
        "published = EXCLUDED.published, "
        "since = CASE WHEN known.state = EXCLUDED.state THEN known.since ELSE EXCLUDED.since END",
        {pipeline, list.dump(), std::to_string(epoch)});
    target.exec(
        "UPDATE walgate.copies c SET state = 'waiting', again = false, fingerprint = NULL, snapshot = NULL, "
        "horizon = NULL, rows = 0, bytes = 0, since = pg_catalog.now() FROM pg_catalog.jsonb_to_recordset($2::jsonb) "
        "AS t(source_schema text, source_table text, let_in boolean) WHERE c.pipeline = $1 AND t.let_in "
        "AND c.source_schema = t.source_schema AND c.source_table = t.source_table AND c.state IN ('copied', "
        "'copying') "
        "AND EXISTS (SELECT FROM walgate.progress WHERE pipeline = $1 AND epoch = $3)",
        {pipeline, list.dump(), std::to_string(epoch)});
    // A table that comes back one day has missed changes.
    target.exec(
        "UPDATE walgate.copies c SET left_publication = true FROM pg_catalog.jsonb_to_recordset($2::jsonb) "
        "AS t(source_schema text, source_table text, state text) WHERE c.pipeline = $1 AND t.state = 'left' "
        "AND c.source_schema = t.source_schema AND c.source_table = t.source_table "
        "AND EXISTS (SELECT FROM walgate.progress WHERE pipeline = $1 AND epoch = $3)",
        {pipeline, list.dump(), std::to_string(epoch)});
    target.exec(
        "UPDATE walgate.pipelines SET tables_known = true WHERE name = $1 AND NOT tables_known "
        "AND EXISTS (SELECT FROM walgate.progress WHERE pipeline = $1 AND epoch = $2)",
        {pipeline, std::to_string(epoch)});
    target.exec("COMMIT");
  } catch (const Error&) {
    target.try_exec("ROLLBACK");
    throw;
  }
}

const std::string_view store_held_tables =
    "WITH t AS (SELECT * FROM pg_catalog.jsonb_to_recordset($2::jsonb) AS t(oid oid, source_schema text, "
    "source_table text, shape jsonb) WHERE EXISTS (SELECT FROM walgate.progress WHERE pipeline = $1 AND epoch = $3)), "
    "moved AS (INSERT INTO walgate.copies (pipeline, source_schema, source_table, state, again, snapshot, horizon, "
    "rows, rows_estimated, bytes) SELECT $1, t.source_schema, t.source_table, "
    "CASE c.state WHEN 'copying' THEN 'waiting' ELSE c.state END, c.again OR c.state = 'copying', c.snapshot, "
    "c.horizon, c.rows, c.rows_estimated, c.bytes FROM t JOIN walgate.shapes s USING (oid) JOIN walgate.copies c "
    "ON c.pipeline = s.pipeline AND c.source_schema = s.source_schema AND c.source_table = s.source_table "
    "WHERE s.pipeline = $1 AND (s.source_schema, s.source_table) <> (t.source_schema, t.source_table) "
    "ON CONFLICT DO NOTHING) "
    "INSERT INTO walgate.shapes (pipeline, oid, source_schema, source_table, shape) SELECT $1, t.* FROM t "
    "ON CONFLICT (pipeline, oid) DO UPDATE SET source_schema = EXCLUDED.source_schema, "
    "source_table = EXCLUDED.source_table, shape = EXCLUDED.shape";

std::string json_of(const HeldTables& tables) {
  auto list = json::array();
  for (const auto& [oid, table] : tables) {
    list.push_back({{"oid", oid},
                    {"source_schema", table.source.schema},
                    {"source_table", table.source.name},
                    {"shape", json_of(table.shape)}});
  }
  return list.dump();
}

bool accept_table(postgres::Connection& target, const std::string& pipeline, const QualifiedName& table) {
  const auto result = target.exec(
      "WITH forgotten AS (DELETE FROM walgate.tables WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 "
      "AND state = 'left' RETURNING pipeline, source_schema, source_table, oid), "
      "uncopied AS (DELETE FROM walgate.copies c USING forgotten f WHERE c.pipeline = f.pipeline "
      "AND c.source_schema = f.source_schema AND c.source_table = f.source_table), "
      "unheld AS (DELETE FROM walgate.shapes s USING forgotten f WHERE s.pipeline = f.pipeline AND s.oid = f.oid "
      "AND s.source_schema = f.source_schema AND s.source_table = f.source_table), "
      "held AS (SELECT lsn FROM walgate.errors WHERE pipeline = $1 AND failure ->> 'relation' = $4 "
      "AND failure ->> 'name' = 'relation_does_not_fit'), accepted AS (UPDATE walgate.tables "
      "SET accepted = accepted OR state = 'recreated', state = 'streaming', accepted_at = (SELECT lsn FROM held), "
      "since = now() WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 "
      "AND (state IN ('recreated', 'ignored') OR EXISTS (SELECT FROM held WHERE lsn IS NOT NULL)) "
      "RETURNING 1) SELECT (SELECT count(*) FROM forgotten) + (SELECT count(*) FROM accepted)",
      {pipeline, table.schema, table.name, table.display()});
  return number_field(result, 0, 0) > 0;
}

}  // namespace walgate::apply
