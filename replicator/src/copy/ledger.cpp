#include "copy/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace walgate::copy {

namespace {

using postgres::count_field;
using postgres::field;
using postgres::lsn_field;
using postgres::number_field;
using postgres::rows;
using postgres::text_field;

constexpr auto state_texts = std::to_array<std::pair<State, std::string_view>>({
    {State::waiting, "waiting"},
    {State::copying, "copying"},
    {State::copied, "copied"},
    {State::excluded, "excluded"},
});

/// Assignments for a table of which nothing is on the target.
constexpr std::string_view nothing_copied =
    "fingerprint = NULL, snapshot = NULL, horizon = NULL, rows = 0, bytes = 0, since = pg_catalog.now()";

[[noreturn]] void odd(std::string_view what) {
  throw Error{Failure{.name = ErrorName::internal_error,
                      .message = fmt::format("walgate.copies holds something that is not {}", what),
                      .remedy = "find out who changed it; `walgate copy --table` sets a table's row right",
                      .phase = "copy"}};
}

State state_of(std::string_view text) {
  const auto found = std::ranges::find(state_texts, text, &std::pair<State, std::string_view>::second);
  if (found == state_texts.end()) odd("a state");
  return found->first;
}

}  // namespace

std::string_view text_of(State state) noexcept {
  return std::ranges::find(state_texts, state, &std::pair<State, std::string_view>::first)->second;
}

Entries read_entries(postgres::Connection& target, const std::string& pipeline) {
  Entries entries;
  if (!bool_field(target.exec("SELECT pg_catalog.to_regclass('walgate.copies') IS NOT NULL"), 0, 0)) return entries;
  const auto result = target.exec(
      "SELECT source_schema, source_table, state, again, coalesce(fingerprint, ''), coalesce(snapshot::text, ''), "
      "horizon, rows, rows_estimated, bytes FROM walgate.copies WHERE pipeline = $1",
      {pipeline});
  for (int row = 0; row < rows(result); ++row) {
    auto& entry = entries[{text_field(result, row, 0), text_field(result, row, 1)}];
    entry.state = state_of(text_field(result, row, 2));
    entry.again = bool_field(result, row, 3);
    entry.fingerprint = text_field(result, row, 4);
    entry.snapshot = text_field(result, row, 5);
    if (field(result, row, 6)) entry.horizon = lsn_field(result, row, 6);
    entry.rows = count_field(result, row, 7);
    if (field(result, row, 8)) entry.rows_estimated = count_field(result, row, 8);
    entry.bytes = count_field(result, row, 9);
  }
  const auto ranges = target.exec(
      "SELECT source_schema, source_table, part, first_block, end_block, rows, bytes FROM walgate.copy_ranges "
      "WHERE pipeline = $1 ORDER BY 1, 2, 3, 4",
      {pipeline});
  for (int row = 0; row < rows(ranges); ++row) {
    auto& entry = entries[{text_field(ranges, row, 0), text_field(ranges, row, 1)}];
    if (entry.state != State::copying) continue;  // of a copy that a person has given up
    entry.done.push_back({static_cast<std::uint32_t>(number_field(ranges, row, 2)), count_field(ranges, row, 3),
                          count_field(ranges, row, 4)});
    entry.rows += count_field(ranges, row, 5);
    entry.bytes += count_field(ranges, row, 6);
  }
  return entries;
}

std::string names_json(const std::vector<QualifiedName>& tables) {
  auto list = nlohmann::json::array();
  for (const auto& table : tables) list.push_back({{"s", table.schema}, {"t", table.name}});
  return list.dump();
}

void settle(postgres::Connection& target, const std::string& pipeline, const std::vector<Filled>& tables, bool wanted,
            bool may_empty) {
  auto list = nlohmann::json::array();
  for (const auto& table : tables) {
    list.push_back({{"s", table.source.schema}, {"t", table.source.name}, {"target", table.target.quoted()}});
  }
  const auto published = list.dump();
  const auto update = [&](const std::string& what, std::string_view which) {
    target.exec(fmt::format("UPDATE walgate.copies c SET {} FROM pg_catalog.jsonb_to_recordset($2::jsonb) "
                            "AS t(s text, t text, target text) WHERE c.pipeline = $1 AND c.source_schema = t.s "
                            "AND c.source_table = t.t AND {}",
                            what, which),
                {pipeline, published});
  };
  const std::string first_state = wanted ? "waiting" : "excluded";
  target.exec(
      "INSERT INTO walgate.copies (pipeline, source_schema, source_table, state, target) SELECT $1, t.s, t.t, $3, "
      "t.target FROM pg_catalog.jsonb_to_recordset($2::jsonb) AS t(s text, t text, target text) ON CONFLICT DO NOTHING",
      {pipeline, published, first_state});
  update("target = t.target", "c.target = ''");
  update(fmt::format("state = '{}', again = false, target = t.target, {}", first_state, nothing_copied),
         "c.target <> t.target");
  // Its copy, or what it was streamed, has missed changes.  One that is half copied is brought up to date anyway.
  if (wanted && may_empty) {
    update(fmt::format("state = 'waiting', again = true, {}", nothing_copied),
           "c.left_publication AND c.state IN ('copied', 'excluded')");
  }
  if (!wanted) update("state = 'excluded'", "c.state = 'waiting' AND NOT c.again");
  update("left_publication = false", "c.left_publication");
  target.exec(
      "DELETE FROM walgate.copy_ranges r USING walgate.copies c WHERE r.pipeline = $1 AND c.pipeline = r.pipeline "
      "AND c.source_schema = r.source_schema AND c.source_table = r.source_table AND c.state <> 'copying'",
      {pipeline});
}

bool copy_again(postgres::Connection& target, const std::string& pipeline, const QualifiedName& table) {
  const auto result = target.exec(
      fmt::format("WITH gone AS (DELETE FROM walgate.copy_ranges WHERE pipeline = $1 AND source_schema = $2 "
                  "AND source_table = $3) UPDATE walgate.copies SET state = 'waiting', again = true, {} "
                  "WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 RETURNING 1",
                  nothing_copied),
      {pipeline, table.schema, table.name});
  return rows(result) > 0;
}

void offer_as_copied(postgres::Connection& target, const std::string& pipeline, const QualifiedName& table,
                     const std::string& snapshot, Lsn horizon) {
  target.exec(
      "UPDATE walgate.copies SET snapshot = $4, horizon = $5 WHERE pipeline = $1 AND source_schema = $2 "
      "AND source_table = $3 AND state = 'waiting' AND NOT again AND horizon IS DISTINCT FROM $5",
      {pipeline, table.schema, table.name, snapshot, horizon.text()});
}

void take_for_copied(postgres::Connection& target, const std::string& pipeline, const QualifiedName& table, Lsn lsn) {
  // A horizon of an earlier transaction was offered at another gate.
  target.exec(
      "UPDATE walgate.copies SET state = 'copied', since = pg_catalog.now() WHERE pipeline = $1 "
      "AND source_schema = $2 AND source_table = $3 AND state = 'waiting' AND NOT again AND horizon > $4",
      {pipeline, table.schema, table.name, lsn.text()});
}

void mark_emptied(postgres::Connection& target, const std::string& pipeline, const std::vector<QualifiedName>& tables) {
  target.exec(
      "UPDATE walgate.copies c SET again = false FROM pg_catalog.jsonb_to_recordset($2::jsonb) AS t(s text, t text) "
      "WHERE c.pipeline = $1 AND c.source_schema = t.s AND c.source_table = t.t",
      {pipeline, names_json(tables)});
}

void mark_copying(postgres::Connection& target, const std::string& pipeline, const std::vector<Begun>& tables,
                  const std::string& snapshot, Lsn horizon) {
  auto list = nlohmann::json::array();
  for (const auto& table : tables) {
    list.push_back({{"s", table.source.schema},
                    {"t", table.source.name},
                    {"fingerprint", table.fingerprint},
                    {"estimated", table.rows_estimated}});
  }
  const auto begun = list.dump();
  target.exec(
      "DELETE FROM walgate.copy_ranges WHERE pipeline = $1 AND (source_schema, source_table) IN "
      "(SELECT t.s, t.t FROM pg_catalog.jsonb_to_recordset($2::jsonb) AS t(s text, t text))",
      {pipeline, begun});
  target.exec(
      "UPDATE walgate.copies c SET state = 'copying', fingerprint = t.fingerprint, "
      "snapshot = $3::pg_snapshot, horizon = $4::pg_lsn, rows = 0, bytes = 0, rows_estimated = t.estimated, "
      "since = pg_catalog.now() FROM pg_catalog.jsonb_to_recordset($2::jsonb) "
      "AS t(s text, t text, fingerprint text, estimated bigint) "
      "WHERE c.pipeline = $1 AND c.source_schema = t.s AND c.source_table = t.t AND NOT c.again",
      {pipeline, begun, snapshot, horizon.text()});
}

void mark_copied(postgres::Connection& target, const std::string& pipeline, const std::vector<QualifiedName>& tables) {
  target.exec(
      "WITH done AS (DELETE FROM walgate.copy_ranges r USING pg_catalog.jsonb_to_recordset($2::jsonb) "
      "AS t(s text, t text) WHERE r.pipeline = $1 AND r.source_schema = t.s AND r.source_table = t.t "
      "RETURNING r.source_schema AS s, r.source_table AS t, r.rows, r.bytes), "
      "summed AS (SELECT s, t, pg_catalog.sum(rows) AS rows, pg_catalog.sum(bytes) AS bytes FROM done GROUP BY 1, 2) "
      "UPDATE walgate.copies c SET state = 'copied', rows = c.rows + coalesce(d.rows, 0), "
      "rows_estimated = c.rows + coalesce(d.rows, 0), bytes = c.bytes + coalesce(d.bytes, 0), fingerprint = NULL, "
      "since = pg_catalog.now() FROM pg_catalog.jsonb_to_recordset($2::jsonb) AS t(s text, t text) "
      "LEFT JOIN summed d ON d.s = t.s AND d.t = t.t "
      // A person may have asked for it again meanwhile.
      "WHERE c.pipeline = $1 AND c.source_schema = t.s AND c.source_table = t.t AND c.state = 'copying'",
      {pipeline, names_json(tables)});
}

void mark_waiting(postgres::Connection& target, const std::string& pipeline, const std::vector<QualifiedName>& tables) {
  target.exec(fmt::format("WITH anew AS (UPDATE walgate.copies c SET state = 'waiting', {} "
                          "FROM pg_catalog.jsonb_to_recordset($2::jsonb) AS t(s text, t text) WHERE c.pipeline = $1 "
                          "AND c.source_schema = t.s AND c.source_table = t.t AND c.state = 'copying' "
                          "RETURNING c.source_schema, c.source_table) DELETE FROM walgate.copy_ranges r USING anew "
                          "WHERE r.pipeline = $1 AND r.source_schema = anew.source_schema "
                          "AND r.source_table = anew.source_table",
                          nothing_copied),
              {pipeline, names_json(tables)});
}

std::vector<QualifiedName> asked_for(postgres::Connection& target, const std::string& pipeline, bool wanted) {
  const auto result = target.exec(
      "SELECT source_schema, source_table FROM walgate.tables t "
      "LEFT JOIN walgate.copies c USING (pipeline, source_schema, source_table) "
      "WHERE pipeline = $1 AND t.state = 'streaming' AND NOT EXISTS (SELECT FROM walgate.shapes s "
      "WHERE s.pipeline = t.pipeline AND s.oid = t.oid "  // its rows are where they were under its former name
      "AND (s.source_schema, s.source_table) <> (t.source_schema, t.source_table)) AND ((c.state = 'waiting' AND "
      "c.again) "
      "OR ($2::boolean "
      "AND (c.state IS NULL OR c.state = 'waiting' OR c.left_publication)))",
      {pipeline, wanted ? "true" : "false"});
  std::vector<QualifiedName> tables;
  for (int row = 0; row < rows(result); ++row) {
    tables.push_back({text_field(result, row, 0), text_field(result, row, 1)});
  }
  return tables;
}

Seam seam_of(const Entries& entries) {
  Seam seam;
  for (const auto& [table, entry] : entries) {
    auto snapshot = Snapshot::parse(entry.snapshot);
    if (entry.state == State::waiting || entry.state == State::copying) {
      seam.await(table);
    } else if (entry.state == State::copied) {
      if (!snapshot) odd("a snapshot");
      seam.add(table, std::move(*snapshot), entry.horizon);
    } else {
      seam.add(table);
    }
  }
  return seam;
}

void show(const Entries& entries, Lsn position, bool wanted, std::vector<TableStatus>& tables) {
  for (auto& table : tables) {
    const auto found =
        std::ranges::find(entries, table.source, [](const auto& entry) { return entry.first.display(); });
    if (found == entries.end() && wanted && table.state == "streaming") table.state = text_of(State::waiting);
    if (found == entries.end() || found->second.state == State::excluded) continue;
    const auto& entry = found->second;
    table.rows_copied = entry.rows;
    table.rows_estimated = entry.rows_estimated;
    // What the watch says of a table that left or was created again counts for more.
    if (table.state != "streaming") continue;
    if (entry.state != State::copied || position < entry.horizon) table.state = text_of(entry.state);
  }
}

}  // namespace walgate::copy
