#include "copy/table_job.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "copy/published_rows.hpp"
#include "copy/row_query.hpp"

namespace walgate::copy {

namespace {

constexpr std::string_view kept_table = "pg_temp.walgate_kept";

std::string block_condition(std::uint64_t first, std::uint64_t end) {
  return fmt::format("ctid >= '({},0)' AND ctid < '({},0)'", first, end);
}

/// Is the row version older than the oldest transaction that the snapshot did not know the end of?  Numbers of
/// transactions wrap around; a version that is older than half of them only seems to be newer, and is read once more.
std::string is_older(const Snapshot& then) {
  return fmt::format("(({} - xmin::text::bigint) & 4294967295) BETWEEN 1 AND 2147483647",
                     static_cast<std::uint32_t>(then.xmin()));
}

}  // namespace

std::string TableJob::columns() const {
  std::vector<std::string> list;
  if (passed_on) {
    for (const auto& column : plan.columns) {
      if (!column.locate_only) list.push_back(quote_identifier(relation.columns[column.source].name));
    }
    return fmt::format("{}", fmt::join(list, ", "));
  }
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    const bool is_wanted = std::ranges::find(plan.columns, i, &PlannedColumn::source) != plan.columns.end();
    list.push_back(is_wanted ? column_expression(relation.columns[i], xml_arrays) : "NULL");
  }
  return fmt::format("{}", fmt::join(list, ", "));
}

std::string TableJob::read(const std::string& columns, const std::string& from,
                           const std::vector<std::string>& conditions) const {
  return row_query(columns, from, conditions, filter);
}

std::string TableJob::fingerprint() const {
  std::string text;
  for (const auto& part : parts) text += fmt::format("{}:{} ", part.oid, part.file);
  for (const auto& column : relation.columns) text += fmt::format("{} ", column.type_oid);
  return text + read(columns(), "source", {}) + " > " + plan.copy().value_or("rows of " + plan.target.quoted());
}

bool TableJob::is_resumable() const {
  const auto is_plain_key = [](const PlannedColumn& column) { return !column.is_key || !column.locate_only; };
  return passed_on && plan.has_key && !plan.by_image && !entry.done.empty() && Snapshot::parse(entry.snapshot) &&
         std::ranges::all_of(plan.columns, is_plain_key) && entry.fingerprint == fingerprint();
}

std::string TableJob::read_range(const Range& range) const {
  return read(columns(), "ONLY " + range.part->name.quoted(), {block_condition(range.first_block, range.end_block)});
}

std::string TableJob::read_all() const {
  return read(columns(), all_of(relation), {});
}

std::string TableJob::in_done_ranges(const Part& part) const {
  std::vector<std::string> conditions;
  std::optional<DoneRange> open;  // neighbours become one
  const auto close = [&] {
    if (open) conditions.push_back("(" + block_condition(open->first_block, open->end_block) + ")");
  };
  for (const auto& range : entry.done) {
    if (range.part != part.oid) continue;
    if (open && open->end_block == range.first_block) {
      open->end_block = range.end_block;
    } else {
      close();
      open = range;
    }
  }
  close();
  return conditions.empty() ? "false" : fmt::format("({})", fmt::join(conditions, " OR "));
}

std::string TableJob::read_kept_keys(const Part& part, const Snapshot& then) const {
  std::vector<std::string> names;
  for (const auto& column : plan.columns) {
    if (column.is_key) names.push_back(quote_identifier(relation.columns[column.source].name));
  }
  return read(fmt::format("{}", fmt::join(names, ", ")), "ONLY " + part.name.quoted(),
              {in_done_ranges(part), is_older(then)});
}

std::string TableJob::read_newer_rows(const Part& part, const Snapshot& then) const {
  return read(columns(), "ONLY " + part.name.quoted(), {in_done_ranges(part), "NOT " + is_older(then)});
}

std::vector<Range> TableJob::missing_ranges(std::uint64_t most) const {
  std::vector<Range> ranges;
  for (const auto& part : parts) {
    std::uint64_t at = 0;
    const auto add_until = [&](std::uint64_t end) {
      for (; at < end; at = std::min(at + most, end)) ranges.push_back({&part, at, std::min(at + most, end)});
    };
    for (const auto& done : entry.done) {
      if (done.part != part.oid) continue;
      add_until(std::min(done.first_block, part.blocks));
      at = std::max(at, done.end_block);
    }
    add_until(part.blocks);
  }
  return ranges;
}

std::string TableJob::create_kept() const {
  std::vector<std::string> names;
  for (const auto& column : plan.columns) {
    if (column.is_key) names.push_back(quote_identifier(column.target));
  }
  return fmt::format("CREATE TEMPORARY TABLE walgate_kept ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA",
                     fmt::join(names, ", "), plan.target.quoted());
}

std::string TableJob::write_kept() const {
  return fmt::format("COPY {} FROM STDIN (FORMAT binary)", kept_table);
}

std::string TableJob::delete_others() const {
  std::vector<std::string> conditions;
  for (const auto& column : plan.columns) {
    if (!column.is_key) continue;
    const auto name = quote_identifier(column.target) + (column.compared_as.empty() ? "" : "::" + column.compared_as);
    conditions.push_back(fmt::format("k.{} {} t.{}", name, column.equality, name));
  }
  return fmt::format("DELETE FROM {} AS t WHERE NOT EXISTS (SELECT FROM {} k WHERE {})", plan.only(), kept_table,
                     fmt::join(conditions, " AND "));
}

std::string TableJob::find_kept() const {
  return fmt::format("SELECT WHERE (SELECT pg_catalog.count(*) FROM {}) = (SELECT pg_catalog.count(*) FROM {})",
                     plan.only(), kept_table);
}

}  // namespace walgate::copy
