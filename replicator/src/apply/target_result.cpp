#include "apply/target_result.hpp"

#include <fmt/format.h>

#include <charconv>

#include "apply/parameter_column.hpp"
#include "apply/prepared_table.hpp"

namespace walgate::apply {

std::uint64_t hits_of(const PGresult* result) noexcept {
  const std::string_view text{PQcmdTuples(const_cast<PGresult*>(result))};  // libpq's signature predates const
  std::uint64_t hits = 0;
  std::from_chars(text.data(), text.data() + text.size(), hits);
  return hits;
}

bool is_refusal(const PGresult* result) noexcept {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_PIPELINE_SYNC:
      return false;
    default:
      return true;
  }
}

Failure refusal_of(const Ticket& ticket, const PGresult* result, const postgres::Connection& target,
                   const wire::Encoding& encoding) {
  auto failure = postgres::failure_of(result, postgres::Side::target, target.phase(), encoding);
  if (ticket.final_lsn.is_set()) {
    failure.lsn = ticket.final_lsn;
    failure.xid = ticket.xid;
  }
  if (ticket.table == nullptr) return failure;
  const auto& plan = ticket.table->plan;
  failure.relation = plan.source.display();
  const auto column = ticket.statement == nullptr
                          ? std::string{}
                          : column_of_parameter(plan, *ticket.statement, postgres::field_of(result, PG_DIAG_CONTEXT));
  if (!column.empty()) {
    failure.detail += fmt::format("{}column \"{}\"", failure.detail.empty() ? "" : ", ", column);
  }
  failure.detail = fmt::format("{} on {}, key ({}){}{}", text_of(ticket.kind), plan.target.display(), plan.key_names(),
                               failure.detail.empty() ? "" : "; ", failure.detail);
  return failure;
}

void check_types(const Ticket& ticket, const PGresult* result, const postgres::Connection& target) {
  if (PQgetvalue(result, 0, 0) == std::string_view{"t"}) return;
  // The next session reads the target's catalog anew.
  throw Error{Failure{.name = ErrorName::relation_does_not_fit,
                      .recovery = Recovery::retry,
                      .message = fmt::format("a column of {} has another type than when we looked",
                                             ticket.table->plan.target.display()),
                      .phase = target.phase(),
                      .relation = ticket.table->plan.source.display()}};
}

void check_commit(const PGresult* result, const postgres::Connection& target) {
  if (PQcmdStatus(const_cast<PGresult*>(result)) == std::string_view{"COMMIT"}) return;
  throw Error{Failure{.name = ErrorName::internal_error,
                      .message = "target rolled back where it was asked to commit",
                      .phase = target.phase()}};
}

}  // namespace walgate::apply
