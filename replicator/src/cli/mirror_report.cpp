#include "cli/mirror_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "observe/failure_json.hpp"

namespace walgate::cli {

namespace {

using mirror::DifferenceKind;
using nlohmann::ordered_json;
using service::MirrorPlan;
using service::MirrorVerdict;
using service::TableVerdict;

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

std::string_view text_of(DifferenceKind kind) {
  switch (kind) {
    case DifferenceKind::missing:
      return "missing";
    case DifferenceKind::unexpected:
      return "unexpected";
    case DifferenceKind::different:
      break;
  }
  return "different";
}

std::string result_of(const TableVerdict& table) {
  std::vector<std::string> parts;
  const auto add = [&](std::uint64_t count, std::string_view what) {
    if (count > 0) parts.push_back(fmt::format("{} {}", count, what));
  };
  add(table.missing, "missing");
  add(table.unexpected, "unexpected");
  add(table.different, "different");
  add(table.out_of_order, "out of order");
  add(table.misplaced, "in a wrong partition");
  add(table.transactions.incomplete, "transactions incomplete");
  add(table.transactions.exceeded, "transactions with too many records");
  add(table.transactions.strays, "records of no transaction");
  if (parts.empty()) parts.emplace_back(table.not_compared.empty() ? "equal" : "in order");
  add(table.undecided, "undecided");
  return fmt::format("{}", fmt::join(parts, ", "));
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

std::string verdict_text(const MirrorVerdict& verdict) {
  std::vector<std::vector<std::string>> rows{{"table", "topic", "result", "records", "keys", "rows"}};
  for (const auto& table : verdict.tables) {
    const auto is_compared = table.not_compared.empty();
    rows.push_back({table.table, table.topic, result_of(table), std::to_string(table.records),
                    is_compared ? std::to_string(table.keys) : "-", is_compared ? std::to_string(table.rows) : "-"});
  }
  auto text = verdict.tables.empty() ? std::string{"no table is mirrored\n"} : table_text(rows, 3);
  std::uint64_t complete = 0;
  std::uint64_t cut = 0;
  for (const auto& table : verdict.tables) {
    complete += table.transactions.complete;
    cut += table.transactions.cut;
    const auto say = [&](const std::string& sentence) { text += fmt::format("{}: {}\n", table.table, sentence); };
    if (!table.not_compared.empty()) say("not compared with the table: " + table.not_compared);
    if (table.not_sent > 0) say(fmt::format("{} rows have no record, and need none", table.not_sent));
    if (table.older > 0)
      say(fmt::format("{} rows have a record of older columns; those that both have were compared", table.older));
    if (!table.columns.empty()) say(fmt::format("columns that differ: {}", fmt::join(table.columns, ", ")));
    for (const auto& one : table.examples) {
      say(one.partition < 0
              ? fmt::format("{}: no record", text_of(one.kind))
              : fmt::format("{}: last record at partition {} offset {}", text_of(one.kind), one.partition, one.offset));
    }
    for (const auto& one : table.order_examples) {
      say(fmt::format("out of place: partition {} offset {}", one.partition, one.offset));
    }
    for (const auto lsn : table.transactions.examples) say(fmt::format("transaction at {}", lsn.text()));
  }
  for (const auto& topic : verdict.topics) {
    if (topic.foreign > 0)
      text += fmt::format("topic \"{}\" has {} records that are not the mirror's\n", topic.topic, topic.foreign);
  }
  text +=
      verdict.with_transactions
          ? fmt::format("\nper transaction and table: {} complete, {} cut by retention or compaction\n", complete, cut)
          : "\nwhether transactions are complete was not looked at: there is no topic that counts their records\n";
  text += fmt::format("the topics {} with the source at {}\n", verdict.is_right() ? "agree" : "do not agree",
                      verdict.position.text());
  return text;
}

std::string verdict_json(const MirrorVerdict& verdict, const std::string& pipeline) {
  ordered_json json{{"pipeline", pipeline}, {"equal", verdict.is_right()}, {"position", verdict.position.text()}};
  json["tables"] = ordered_json::array();
  for (const auto& table : verdict.tables) {
    ordered_json one{
        {"table", table.table},
        {"topic", table.topic},
        {"not_compared", table.not_compared.empty() ? ordered_json(nullptr) : ordered_json(table.not_compared)},
        {"records", table.records},
        {"keys", table.keys},
        {"rows", table.rows},
        {"missing", table.missing},
        {"unexpected", table.unexpected},
        {"different", table.different},
        {"undecided", table.undecided},
        {"not_sent", table.not_sent},
        {"older", table.older},
        {"out_of_order", table.out_of_order},
        {"misplaced", table.misplaced},
        {"columns", table.columns}};
    one["examples"] = ordered_json::array();
    for (const auto& example : table.examples) {
      const bool is_there = example.partition >= 0;
      one["examples"].push_back({{"kind", text_of(example.kind)},
                                 {"partition", is_there ? ordered_json(example.partition) : ordered_json(nullptr)},
                                 {"offset", is_there ? ordered_json(example.offset) : ordered_json(nullptr)},
                                 {"columns", example.columns}});
    }
    for (const auto& example : table.order_examples) {
      one["examples"].push_back({{"kind", "out_of_place"},
                                 {"partition", example.partition},
                                 {"offset", example.offset},
                                 {"columns", ordered_json::array()}});
    }
    if (verdict.with_transactions) {
      const auto& counts = table.transactions;
      auto positions = ordered_json::array();
      for (const auto lsn : counts.examples) positions.push_back(lsn.text());
      one["transactions"] = {{"complete", counts.complete},     {"cut", counts.cut},
                             {"incomplete", counts.incomplete}, {"exceeded", counts.exceeded},
                             {"strays", counts.strays},         {"positions", positions}};
    } else {
      one["transactions"] = nullptr;
    }
    json["tables"].push_back(std::move(one));
  }
  json["topics"] = ordered_json::array();
  for (const auto& topic : verdict.topics)
    json["topics"].push_back({{"topic", topic.topic}, {"foreign", topic.foreign}});
  return dump(json);
}

}  // namespace walgate::cli
