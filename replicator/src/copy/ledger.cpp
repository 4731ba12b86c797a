#include "copy/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace walgate::copy {

namespace {

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

State state_of(std::string_view text) {
  const auto found = std::ranges::find(state_texts, text, &std::pair<State, std::string_view>::second);
  return found == state_texts.end() ? State::waiting : found->first;
}

std::uint64_t count_field(const postgres::Result& result, int row, int column) {
  return static_cast<std::uint64_t>(number_field(result, row, column));
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
    entry.done.push_back({static_cast<std::uint32_t>(number_field(ranges, row, 2)), count_field(ranges, row, 3),
                          count_field(ranges, row, 4)});
    entry.rows += count_field(ranges, row, 5);
    entry.bytes += count_field(ranges, row, 6);
  }
  return entries;
}

void add_tables(postgres::Connection& target, const std::string& pipeline, const std::vector<QualifiedName>& tables,
                State state) {
  if (tables.empty()) return;
  auto list = nlohmann::json::array();
  for (const auto& table : tables) list.push_back({{"s", table.schema}, {"t", table.name}});
  target.exec(
      "INSERT INTO walgate.copies (pipeline, source_schema, source_table, state) SELECT $1, t.s, t.t, $3 FROM "
      "pg_catalog.jsonb_to_recordset($2::jsonb) AS t(s text, t text) ON CONFLICT DO NOTHING",
      {pipeline, list.dump(), std::string{text_of(state)}});
}

void exclude(postgres::Connection& target, const std::string& pipeline, const QualifiedName& table) {
  target.exec(
      "INSERT INTO walgate.copies (pipeline, source_schema, source_table, state) VALUES ($1, $2, $3, 'excluded') "
      "ON CONFLICT (pipeline, source_schema, source_table) DO UPDATE SET state = 'excluded', since = pg_catalog.now()",
      {pipeline, table.schema, table.name});
}

bool copy_again(postgres::Connection& target, const std::string& pipeline, const QualifiedName& table) {
  const auto result = target.exec(
      "WITH gone AS (DELETE FROM walgate.copy_ranges WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3) "
      "UPDATE walgate.copies SET state = 'waiting', again = true, fingerprint = NULL, snapshot = NULL, horizon = NULL, "
      "rows = 0, bytes = 0, since = pg_catalog.now() "
      "WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 RETURNING 1",
      {pipeline, table.schema, table.name});
  return rows(result) > 0;
}

Seam seam_of(const Entries& entries) {
  Seam seam;
  for (const auto& [table, entry] : entries) {
    auto snapshot = Snapshot::parse(entry.snapshot);
    if (entry.state == State::waiting || entry.state == State::copying) {
      seam.await(table);
    } else if (entry.state == State::copied && snapshot) {
      seam.add(table, std::move(*snapshot), entry.horizon);
    } else {
      seam.add(table);
    }
  }
  return seam;
}

void show(const Entries& entries, Lsn position, std::vector<TableStatus>& tables) {
  for (auto& table : tables) {
    const auto found = std::ranges::find(entries, table.source, [](const auto& entry) { return entry.first.display(); });
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
