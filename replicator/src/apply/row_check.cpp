#include "apply/row_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apply/prepared_table.hpp"
#include "observe/log.hpp"

namespace walgate::apply {

void count(Counters& counted, wire::RecordKind kind, std::uint64_t changes) noexcept {
  switch (kind) {
    case wire::RecordKind::insert:
      counted.inserts += changes;
      break;
    case wire::RecordKind::update:
      counted.updates += changes;
      break;
    default:
      counted.deletes += changes;
      break;
  }
}

Tally RowCheck::take() noexcept {
  xid_of_deletes_ = 0;
  deleted_from_.clear();
  return std::exchange(tally_, {});
}

bool RowCheck::is_cascaded(const Ticket& ticket, std::uint64_t hits) {
  if (replica_role_ || ticket.kind != wire::RecordKind::delete_ || ticket.purpose != Purpose::row) return false;
  const auto& plan = ticket.table->plan;
  if (xid_of_deletes_ != ticket.xid) deleted_from_.clear();
  xid_of_deletes_ = ticket.xid;
  const bool cascaded =
      std::ranges::any_of(plan.cascading_parents, [&](auto oid) { return deleted_from_.contains(oid); });
  // Only what was there can take other rows with it: a table may refer to itself.
  if (hits > 0 || cascaded) deleted_from_.insert(plan.target_oid);
  return cascaded;
}

void RowCheck::on_hits(const Ticket& ticket, std::uint64_t hits) {
  const auto& plan = ticket.table->plan;
  auto& [counted, conflicts] = tally_;
  const bool cascaded = is_cascaded(ticket, hits);
  if (!ticket.counted) count(counted, ticket.kind, hits);
  if (hits == ticket.rows) return;
  if (ticket.kind == wire::RecordKind::insert && plan.on_duplicate == OnDuplicate::skip) {
    counted.duplicates_skipped += ticket.rows - hits;
    conflicts.insert_exists += ticket.rows - hits;
    return;
  }
  if (hits < ticket.rows && cascaded) {
    counted.cascaded_deletes += ticket.rows - hits;  // the target's own ON DELETE CASCADE was there first
    return;
  }
  if (hits < ticket.rows && ticket.missing_values != nullptr) values_missing(ticket);
  // Which of many rows are missing is found out one by one.
  if (hits < ticket.rows && ticket.purpose == Purpose::row) {
    // An insert that stores nothing was taken by a trigger or a rule of the target.
    if (ticket.kind == wire::RecordKind::update) ++conflicts.update_missing;
    if (ticket.kind == wire::RecordKind::delete_) ++conflicts.delete_missing;
    if (plan.on_missing == OnMissing::skip) {
      counted.missing_rows_skipped += ticket.rows - hits;
      log::warning("row_missing",
                   fmt::format("{} hit no row and was skipped, as the configuration asks", text_of(ticket.kind)),
                   {{"relation", plan.source.display()}, {"lsn", ticket.final_lsn}, {"xid", ticket.xid}});
      return;
    }
  }
  Failure failure{.name = hits < ticket.rows ? ErrorName::row_missing : ErrorName::row_ambiguous,
                  .message = fmt::format("{} of {} hit {} rows of {} where {} should be hit", text_of(ticket.kind),
                                         plan.source.display(), hits, plan.target.display(), ticket.rows),
                  .detail = fmt::format("the row is located by ({})", plan.key_names()),
                  .phase = "apply",
                  .relation = plan.source.display()};
  if (ticket.final_lsn.is_set()) {
    failure.lsn = ticket.final_lsn;
    failure.xid = ticket.xid;
  }
  if (hits < ticket.rows) {
    failure.remedy = fmt::format(
        "find out who changed the target, or which trigger took the row; then restore the row, or set on_missing to "
        "\"skip\" for this table, or leave the transaction out with `walgate skip --lsn {}`",
        ticket.final_lsn.text());
  }
  throw Error{std::move(failure)};
}

void RowCheck::values_missing(const Ticket& ticket) {
  const auto& plan = ticket.table->plan;
  std::string columns;
  for (std::size_t i = 0; i < plan.columns.size(); ++i) {
    if ((*ticket.missing_values)[i])
      columns += (columns.empty() ? "" : ", ") + display_identifier(plan.columns[i].target);
  }
  throw Error{Failure{
      .name = ErrorName::row_filter_without_values,
      .message = fmt::format("an update leads a row of {} into the row filter, and the WAL does not hold its ({})",
                             plan.source.display(), columns),
      .detail =
          fmt::format("these values are TOASTed and did not change; the row is located by ({})", plan.key_names()),
      .remedy = fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL on the source prevents this for later updates; "
                            "for this one copy the row to {} by hand and start the service again, or leave the "
                            "transaction out with `walgate skip --lsn {}`",
                            plan.source.quoted(), plan.target.display(), ticket.final_lsn.text()),
      .phase = "apply",
      .relation = plan.source.display(),
      .lsn = ticket.final_lsn,
      .xid = ticket.xid}};
}

}  // namespace walgate::apply
