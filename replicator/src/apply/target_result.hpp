// target_result.hpp - what the target's answer to a statement says.
#pragma once

#include <cstdint>

#include "apply/ticket.hpp"
#include "errors/error.hpp"
#include "postgres/connection.hpp"
#include "wire/encoding.hpp"

namespace walgate::apply {

/// How many rows the statement hit.
[[nodiscard]] std::uint64_t hits_of(const PGresult* result) noexcept;
/// Did the server answer with an error, or with nothing that a statement or a COPY is answered with?
[[nodiscard]] bool is_refusal(const PGresult* result) noexcept;
/// The failure of a refused statement, with the table, the column and the transaction that it was about.
[[nodiscard]] Failure refusal_of(const Ticket& ticket, const PGresult* result, const postgres::Connection& target,
                                 const wire::Encoding& encoding);
/// The answer to what SetWriter::lock_types asks.  Throws Error relation_does_not_fit, to be tried again.
void check_types(const Ticket& ticket, const PGresult* result, const postgres::Connection& target);
/// Throws Error internal_error where the server rolled back instead.
void check_commit(const PGresult* result, const postgres::Connection& target);

}  // namespace walgate::apply
