#include "apply/truncation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

namespace walgate::apply {

namespace {

/// `partitions` are the emptied ones by the table under whose name they are published.
[[noreturn]] void partitions_truncated(const Ticket& ticket,
                                       const std::map<std::string, std::vector<std::string>>& partitions) {
  std::string gone;
  for (const auto& [root, names] : partitions) {
    gone += fmt::format("{}{} of {}", gone.empty() ? "" : "; ", fmt::join(names, ", "), root);
  }
  throw Error{Failure{
      .name = ErrorName::partition_truncated,
      .message = fmt::format("TRUNCATE of partitions does not say which rows of their tables are gone: {}", gone),
      .detail = "the source publishes these partitions under the names of their partitioned tables",
      .remedy =
          fmt::format("bring everything that this transaction did to the target by hand: delete the rows of the "
                      "partitions, and make its other changes, which walgate.peek shows on the source; then leave "
                      "all of it out with `walgate skip --lsn {}`; a publication without truncate does not send "
                      "such a command",
                      ticket.final_lsn.text()),
      .phase = "apply",
      .relation = ticket.table->plan.source.display(),
      .lsn = ticket.final_lsn,
      .xid = ticket.xid}};
}

/// Throws where only partitions were emptied.
void check_partitions(const Ticket& ticket, std::span<const Truncated> tables) {
  std::map<std::string, std::vector<std::string>> partitions;
  for (const auto& [table, partition] : tables) {
    if (!partition.empty()) partitions[table->plan.source.display()].push_back(partition);
  }
  if (!partitions.empty()) partitions_truncated(ticket, partitions);
}

}  // namespace

void truncate(TargetPipeline& target, Ticket ticket, std::span<const Truncated> tables, std::uint8_t flags,
              bool replica_role) {
  std::vector<std::string> names;
  std::vector<std::string> keys;
  for (const auto& truncated : tables) {
    const auto& plan = truncated.table->plan;
    names.push_back(plan.only());
    keys.insert(keys.end(), plan.deferrable_keys.begin(), plan.deferrable_keys.end());
  }
  ticket.purpose = Purpose::truncate;
  ticket.kind = wire::RecordKind::truncate;
  ticket.table = tables.back().table;
  check_partitions(ticket, tables);

  // A table whose foreign keys wait to be checked cannot be truncated, and on the source none of them waited.
  const bool checks = !replica_role && !keys.empty();
  Ticket checking = ticket;
  checking.purpose = Purpose::note;
  if (checks) target.query(checking, fmt::format("SET CONSTRAINTS {} IMMEDIATE", fmt::join(keys, ", ")));
  const bool restart = (flags & wire::truncate_restart_identity) != 0;
  target.query(ticket, fmt::format("TRUNCATE {}{}", fmt::join(names, ", "), restart ? " RESTART IDENTITY" : ""));
  if (checks) target.query(checking, fmt::format("SET CONSTRAINTS {} DEFERRED", fmt::join(keys, ", ")));
  target.keep_pace();
}

void clear(TargetPipeline& target, Ticket ticket, std::span<const Truncated> tables) {
  ticket.purpose = Purpose::note;
  ticket.table = tables.back().table;
  check_partitions(ticket, tables);
  for (const auto& truncated : tables) {
    ticket.table = truncated.table;
    target.query(ticket, fmt::format("DELETE FROM {}", truncated.table->plan.only()));
  }
  target.keep_pace();
}

}  // namespace walgate::apply
