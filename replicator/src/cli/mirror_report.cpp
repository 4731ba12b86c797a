#include "cli/mirror_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "observe/failure_json.hpp"

namespace walgate::cli {

namespace {

using nlohmann::ordered_json;
using service::MirrorPlan;

/// Rows of cells under their headings, as wide as it takes; the first `left` columns are texts, the others numbers.
std::string table_text(const std::vector<std::vector<std::string>>& rows, std::size_t left) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += fmt::format(fmt::runtime(i < left ? "{}{:<{}}" : "{}{:>{}}"), i == 0 ? "" : "  ", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string bytes_text(double bytes) {
  constexpr const char* units[] = {"B", "kB", "MB", "GB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit < 3) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, units[unit]);
}

}  // namespace

std::string plan_text(const MirrorPlan& plan) {
  std::vector<std::vector<std::string>> rows{
      {"table", "topic", "rows/s", "bytes/s", "bytes/record", "partitions", "configured", "there"}};
  for (const auto& table : plan.tables) {
    rows.push_back({table.table, table.topic, fmt::format("{:.1f}", table.load.rows_per_second),
                    bytes_text(table.load.bytes_per_second),
                    table.size_source == service::SizeSource::nothing
                        ? "?"
                        : fmt::format("{:.0f}{}", table.record_bytes,
                                      table.size_source == service::SizeSource::statistics ? " (estimated)" : ""),
                    std::to_string(table.partitions), std::to_string(table.configured_partitions),
                    table.existing_partitions ? std::to_string(*table.existing_partitions) : "-"});
  }
  auto text = plan.tables.empty() ? std::string{"no table is mirrored\n"} : table_text(rows, 2);
  text += fmt::format(
      "\nmeasured over {:.1f} s: measure while the source is busiest, and leave room for it to grow\n"
      "partitions = max(1, ceil(bytes/s / {} per partition), ceil(records/s / {} per consumer)); a delete is two "
      "records,\nand a table without a key has one partition\n",
      plan.seconds, bytes_text(static_cast<double>(plan.assumptions.bytes_per_partition)),
      plan.assumptions.records_per_consumer);
  text += plan.brokers ? fmt::format("brokers {}, replication factor {}\n", *plan.brokers, plan.replication_factor)
                       : fmt::format("brokers unknown ({}); replication factor {} asks for as many\n",
                                     plan.why_no_brokers, plan.replication_factor);
  return text;
}

std::string plan_json(const MirrorPlan& plan, const std::string& pipeline) {
  ordered_json json{{"pipeline", pipeline},
                    {"seconds", plan.seconds},
                    {"assumptions",
                     {{"bytes_per_partition", plan.assumptions.bytes_per_partition},
                      {"records_per_consumer", plan.assumptions.records_per_consumer}}},
                    {"brokers", plan.brokers ? ordered_json(*plan.brokers) : ordered_json(nullptr)},
                    {"replication_factor", plan.replication_factor}};
  json["tables"] = ordered_json::array();
  for (const auto& table : plan.tables) {
    json["tables"].push_back(
        {{"table", table.table},
         {"topic", table.topic},
         {"has_key", table.has_key},
         {"inserts", table.changes.inserts},
         {"updates", table.changes.updates},
         {"deletes", table.changes.deletes},
         {"rows_per_second", table.load.rows_per_second},
         {"records_per_second", table.load.records_per_second},
         {"bytes_per_second", table.load.bytes_per_second},
         {"record_bytes",
          table.size_source == service::SizeSource::nothing ? ordered_json(nullptr) : ordered_json(table.record_bytes)},
         {"record_bytes_from", service::text_of(table.size_source)},
         {"partitions", table.partitions},
         {"configured_partitions", table.configured_partitions},
         {"existing_partitions",
          table.existing_partitions ? ordered_json(*table.existing_partitions) : ordered_json(nullptr)}});
  }
  return dump(json);
}

}  // namespace walgate::cli
