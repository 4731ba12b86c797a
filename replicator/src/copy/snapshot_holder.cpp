#include "copy/snapshot_holder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "copy/published_rows.hpp"
#include "stream/source_catalog.hpp"
#include "stream/source_session.hpp"

namespace walgate::copy {

namespace {

using namespace std::chrono_literals;
using postgres::count_field;
using postgres::number_field;
using postgres::rows;
using postgres::text_field;

constexpr auto lock_timeout = "SET lock_timeout = '1s'";
constexpr std::string_view lock_not_available = "55P03";  // in time
constexpr std::string_view undefined_table = "42P01";
constexpr std::string_view insufficient_privilege = "42501";

std::string lock_statement(const std::vector<QualifiedName>& tables) {
  std::vector<std::string> names;
  for (const auto& table : tables) names.push_back(table.quoted());
  return fmt::format("LOCK TABLE {} IN ACCESS SHARE MODE", fmt::join(names, ", "));
}

}  // namespace

std::uint64_t SnapshotHolder::Size::blocks() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& part : parts) sum += part.blocks;
  return sum;
}

postgres::Connection SnapshotHolder::session(const Config& config, const Event& stop) {
  auto source = stream::open_snapshot_holder(config, &stop);
  source.exec(lock_timeout);
  return source;
}

void SnapshotHolder::pause(std::chrono::milliseconds time) {
  auto descriptors = std::to_array<pollfd>({{stop_.descriptor(), POLLIN, 0}});
  if (wait_for(descriptors, time)) throw postgres::Interrupted{};
}

std::string SnapshotHolder::publications() {
  return text_field(
      source_.exec("SELECT pg_catalog.string_agg(row, ' ' ORDER BY row) FROM ("
                   "SELECT 'p' || oid || '.' || xmin FROM pg_catalog.pg_publication UNION ALL "
                   "SELECT 'r' || oid || '.' || xmin FROM pg_catalog.pg_publication_rel UNION ALL "
                   "SELECT 'n' || oid || '.' || xmin FROM pg_catalog.pg_publication_namespace) AS r(row)"),
      0, 0);
}

void SnapshotHolder::wait_for_running() {
  publications_ = publications();
  // A transaction holds the lock on its number from before its first write until after others see its end, also while
  // its COMMIT waits for a standby, and when it is prepared.  Snapshots do not tell: the number of one that runs may be
  // beyond their xmax.
  constexpr std::string_view running =
      "FROM pg_catalog.pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted";
  const auto awaited = text_field(
      source_.exec(fmt::format("SELECT coalesce(pg_catalog.array_agg(transactionid::text), '{{}}') {}", running)), 0,
      0);
  const auto ask = fmt::format(
      "SELECT pg_catalog.string_agg(DISTINCT CASE WHEN pid IS NULL THEN 'prepared transaction ' || transactionid::text "
      "ELSE 'process ' || pid END, ', ') {} AND transactionid::text = ANY ($1::text[])",
      running);
  for (int tries = 0;; ++tries) {
    const auto result = source_.exec(ask, {awaited});
    if (!postgres::field(result, 0, 0)) break;
    if (awaited_ && tries >= 50) {
      throw Error{Failure{.name = ErrorName::copy_while_awaited,
                          .message = fmt::format("transactions of the source do not end ({}), perhaps because their "
                                                 "commits wait for walgate, which waits for them",
                                                 text_field(result, 0, 0)),
                          .phase = "copy"}};
    }
    // Ordinary ones are gone at once.
    if (tries >= 10) waiting_("transactions that were running before: " + text_field(result, 0, 0));
    pause(tries < 10 ? 20ms : 200ms);
  }
  waiting_({});
}

TakenSnapshot SnapshotHolder::take(const std::vector<QualifiedName>& tables) {
  for (;;) {
    lock(tables);
    // In this order: what the snapshot saw ends before the position.
    const auto result = source_.exec(
        "SELECT pg_catalog.pg_current_snapshot(), pg_catalog.pg_current_wal_insert_lsn(), "
        "pg_catalog.pg_export_snapshot()");
    if (publications() == publications_) {
      wait_for_flush(lsn_field(result, 0, 1));
      return {.text = text_field(result, 0, 0),
              .id = text_field(result, 0, 2),
              .lock = lock_statement(tables),
              .horizon = lsn_field(result, 0, 1)};
    }
    release();
    wait_for_running();
  }
}

void SnapshotHolder::wait_for_flush(Lsn position) {
  // Commits that nobody waited for are seen before they are on disk; the WAL writer has them there after three of its
  // rounds at the latest (postgresql.conf, synchronous_commit).  What is not flushed then belongs to no commit of
  // theirs.
  const auto delay =
      number_field(source_.exec("SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_writer_delay'"), 0, 0);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{4 * delay};
  while (lsn_field(source_.exec("SELECT pg_catalog.pg_current_wal_flush_lsn()"), 0, 0) < position &&
         std::chrono::steady_clock::now() < deadline) {
    pause(20ms);
  }
}

Lsn SnapshotHolder::position() {
  return lsn_field(source_.exec("SELECT pg_catalog.pg_current_wal_flush_lsn()"), 0, 0);
}

void SnapshotHolder::lock(const std::vector<QualifiedName>& tables) {
  for (;;) {
    source_.exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    try {
      source_.exec(lock_statement(tables));
      return waiting_({});
    } catch (Error& error) {
      auto& failure = error.failure();
      if (failure.sqlstate == undefined_table) failure.recovery = Recovery::retry;  // the next session looks again
      if (failure.sqlstate == insufficient_privilege) failure.name = ErrorName::copy_not_allowed;
      if (failure.sqlstate != lock_not_available) throw;
    }
    wait_for_lock(tables);
  }
}

void SnapshotHolder::wait_for_lock(const std::vector<QualifiedName>& tables) {
  source_.exec("ROLLBACK");
  const auto result = source_.exec(
      "SELECT pg_catalog.string_agg(DISTINCT CASE WHEN l.pid IS NULL THEN 'a prepared transaction' "
      "ELSE 'process ' || l.pid END, ', ') FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS t(s text, t text) "
      "JOIN pg_catalog.pg_namespace n ON n.nspname = t.s "
      "JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.t "
      "JOIN pg_catalog.pg_locks l ON l.relation = c.oid AND l.mode = 'AccessExclusiveLock'",
      {names_json(tables)});
  waiting_("a lock on a table that is to be copied: " + text_field(result, 0, 0));
  pause(200ms);
}

void SnapshotHolder::release() {
  source_.exec("COMMIT");
}

std::vector<wire::Relation> SnapshotHolder::relations(const std::vector<QualifiedName>& tables) {
  const std::set<QualifiedName> wanted{tables.begin(), tables.end()};
  auto relations = stream::published_relations(source_, config_.source.publications);
  std::erase_if(relations, [&](const auto& relation) { return !wanted.contains({relation.schema, relation.name}); });
  std::uint32_t serial = 0;
  for (auto& relation : relations) relation.serial = serial++;
  return relations;
}

std::map<QualifiedName, SnapshotHolder::Size> SnapshotHolder::first_look(const std::vector<QualifiedName>& tables) {
  for (;;) {
    try {
      return sizes(tables);
    } catch (const Error& error) {
      if (error.failure().sqlstate != lock_not_available) throw;
    }
    wait_for_lock(tables);
  }
}

std::map<QualifiedName, SnapshotHolder::Size> SnapshotHolder::sizes(const std::vector<QualifiedName>& tables) {
  // A table that was never analysed is taken for one of rows of some hundred bytes.
  const auto result = source_.exec(
      "SELECT n.nspname, c.relname, p.oid, pn.nspname, p.relname, pg_catalog.pg_relation_filenode(p.oid), size.blocks, "
      "CASE WHEN p.reltuples >= 0 AND p.relpages > 0 THEN p.reltuples::float8 / p.relpages * size.blocks "
      "ELSE size.blocks * 80.0 END::bigint "
      "FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS t(s text, t text) "
      "JOIN pg_catalog.pg_namespace n ON n.nspname = t.s "
      "JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.t "
      "CROSS JOIN LATERAL (SELECT c.oid WHERE c.relkind <> 'p' UNION ALL "
      "SELECT relid::oid FROM pg_catalog.pg_partition_tree(c.oid) WHERE c.relkind = 'p' AND isleaf) AS leaf(oid) "
      "JOIN pg_catalog.pg_class p ON p.oid = leaf.oid AND p.relkind = 'r' "
      "JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace "
      "CROSS JOIN LATERAL (SELECT pg_catalog.pg_relation_size(p.oid) / "
      "pg_catalog.current_setting('block_size')::bigint AS blocks) size WHERE size.blocks IS NOT NULL ORDER BY 1, 2, 3",
      {names_json(tables)});
  std::map<QualifiedName, Size> sizes;
  for (const auto& table : tables) sizes[table];
  for (int row = 0; row < rows(result); ++row) {
    auto& size = sizes[{text_field(result, row, 0), text_field(result, row, 1)}];
    size.parts.push_back({.oid = static_cast<std::uint32_t>(number_field(result, row, 2)),
                          .name = {text_field(result, row, 3), text_field(result, row, 4)},
                          .file = static_cast<std::uint32_t>(number_field(result, row, 5)),
                          .blocks = count_field(result, row, 6)});
    size.rows += count_field(result, row, 7);
  }
  return sizes;
}

std::set<std::uint32_t> SnapshotHolder::xml_arrays() {
  return copy::xml_arrays(source_);
}

std::map<QualifiedName, std::string> SnapshotHolder::filters() {
  return row_filters(source_, config_.source.publications);
}

}  // namespace walgate::copy
