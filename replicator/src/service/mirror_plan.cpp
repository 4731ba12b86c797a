#include "service/mirror_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>

#include "errors/error.hpp"
#include "mirror/kafka_admin.hpp"
#include "mirror/kafka_failure.hpp"
#include "mirror/mirror_settings.hpp"
#include "service/mirror_checks.hpp"
#include "service/source_rows.hpp"
#include "service/start_checks.hpp"
#include "stream/source_session.hpp"

namespace walgate::service {

namespace {

using namespace std::chrono_literals;
using mirror::ChangeCounts;
using postgres::count_field;
using postgres::rows;

constexpr auto cluster_patience = 10s;
constexpr std::uint64_t sampled_rows = 1000;
constexpr std::string_view insufficient_privilege = "42501";

/// By OID of the published table; the counters of a partitioned one are its leaves'.
std::map<std::uint32_t, ChangeCounts> read_counters(postgres::Connection& source,
                                                    const std::vector<MirroredTable>& tables) {
  std::string oids;
  for (const auto& table : tables) oids += fmt::format("{}{}", oids.empty() ? "" : ", ", table.relation->oid);
  std::map<std::uint32_t, ChangeCounts> counters;
  if (oids.empty()) return counters;
  const auto result = source.exec(
      fmt::format("SELECT t.oid, coalesce(pg_catalog.sum(s.n_tup_ins), 0)::int8, "
                  "coalesce(pg_catalog.sum(s.n_tup_upd), 0)::int8, coalesce(pg_catalog.sum(s.n_tup_del), 0)::int8 "
                  "FROM pg_catalog.unnest(ARRAY[{}]::oid[]) AS t(oid) "
                  "JOIN pg_catalog.pg_stat_all_tables s ON s.relid = t.oid "
                  "OR s.relid IN (SELECT relid FROM pg_catalog.pg_partition_tree(t.oid) WHERE isleaf) GROUP BY 1",
                  oids));
  for (int row = 0; row < rows(result); ++row) {
    counters[static_cast<std::uint32_t>(count_field(result, row, 0))] = {.inserts = count_field(result, row, 1),
                                                                         .updates = count_field(result, row, 2),
                                                                         .deletes = count_field(result, row, 3)};
  }
  return counters;
}

/// Counters can be reset in between.
ChangeCounts difference(const ChangeCounts& before, const ChangeCounts& after) {
  const auto less = [](std::uint64_t a, std::uint64_t b) { return a >= b ? a - b : a; };
  return {.inserts = less(after.inserts, before.inserts),
          .updates = less(after.updates, before.updates),
          .deletes = less(after.deletes, before.deletes)};
}

/// Column names, quotes, colons and commas stand in each record beside the values.
double estimated_size(postgres::Connection& source, const MirroredTable& table) {
  const auto result = source.exec(
      "SELECT coalesce(pg_catalog.sum(avg_width), 0)::int8 FROM pg_catalog.pg_stats "
      "WHERE schemaname = $1 AND tablename = $2",
      {table.relation->schema, table.relation->name});
  const auto width = count_field(result, 0, 0);
  if (width == 0) return 0;
  std::size_t names = 0;
  for (const auto& column : table.relation->columns) names += column.name.size() + 4;
  constexpr double envelope = 400;  // source, op and times
  return static_cast<double>(width + names) + envelope;
}

void measure_records(const MirroredTable& table, SourceRows& sample, postgres::Connection& source, TablePlan& plan) {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  try {
    sample.read(table, sampled_rows, [&](const mirror::Record& record) {
      ++count;
      bytes += record.key.size() + record.value.size();
    });
  } catch (const Error& error) {
    if (error.failure().sqlstate != insufficient_privilege) throw;
  }
  if (count > 0) {
    plan.record_bytes = static_cast<double>(bytes) / static_cast<double>(count);
    plan.size_source = SizeSource::rows;
  } else if (const auto estimated = estimated_size(source, table); estimated > 0) {
    plan.record_bytes = estimated;
    plan.size_source = SizeSource::statistics;
  }
}

void look_at_cluster(const Config& config, MirrorPlan& plan) {
  try {
    mirror::KafkaAdmin admin{config.kafka.properties};
    const auto cluster = admin.cluster(cluster_patience);
    plan.brokers = cluster.brokers;
    std::vector<std::string> names;
    for (const auto& table : plan.tables) names.push_back(table.topic);
    const auto existing = admin.describe(names, cluster_patience);
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (existing[i]) plan.tables[i].existing_partitions = existing[i]->partitions;
    }
  } catch (const mirror::KafkaError& error) {
    plan.why_no_brokers = error.what();
  }
  plan.replication_factor =
      config.kafka.replication_factor.value_or(static_cast<std::uint64_t>(std::clamp(plan.brokers.value_or(3), 1, 3)));
}

}  // namespace

std::string_view text_of(SizeSource source) noexcept {
  switch (source) {
    case SizeSource::rows:
      return "rows";
    case SizeSource::statistics:
      return "statistics";
    case SizeSource::nothing:
      break;
  }
  return "nothing";
}

MirrorPlan plan_mirror(const Config& config, std::chrono::milliseconds interval,
                       const mirror::PartitionAssumptions& assumptions) {
  require_mirror(config);
  auto session = stream::open_monitor(config, nullptr);
  session.set_phase("plan");
  const auto source = read_mirrored_source(config, session);
  Findings findings;
  const auto tables = mirrored_tables(config, source, findings);
  throw_errors(findings.take());

  const auto before = read_counters(session, tables);
  const auto began = std::chrono::steady_clock::now();
  MirrorPlan plan;
  plan.assumptions = assumptions;
  SourceRows sample{config, source};
  for (const auto& table : tables) {
    auto& one = plan.tables.emplace_back();
    one.table = table.display();
    one.topic = table.topic.name;
    one.has_key = !table.key.empty();
    one.configured_partitions = table.topic.partitions;
    measure_records(table, sample, session, one);
  }
  look_at_cluster(config, plan);
  std::this_thread::sleep_until(began + interval);
  session.exec("SELECT pg_catalog.pg_stat_clear_snapshot()");
  const auto after = read_counters(session, tables);
  plan.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const auto oid = tables[i].relation->oid;
    auto& one = plan.tables[i];
    if (before.contains(oid) && after.contains(oid)) one.changes = difference(before.at(oid), after.at(oid));
    one.load = mirror::load_of(one.changes, plan.seconds, one.record_bytes, one.has_key,
                               tables[i].relation->has_full_identity());
    one.partitions = mirror::suggested_partitions(one.load, one.has_key, assumptions);
  }
  std::ranges::stable_sort(plan.tables, std::greater{}, [](const TablePlan& one) { return one.load.bytes_per_second; });
  return plan;
}

}  // namespace walgate::service
