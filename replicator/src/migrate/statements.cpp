#include "migrate/statements.hpp"

#include <fmt/format.h>

#include <charconv>

namespace walgate::migrate {

namespace {

using postgres::Connection;

/// The byte at which a character of a UTF-8 text begins; both counted from 0.
std::size_t byte_of_character(std::string_view text, std::size_t character) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U;
    if (begins && character-- == 0) break;
  }
  return at;
}

/// Where in the file the server's complaint is about: its position if it tells one, else the statement.
std::size_t place_of(const PGresult* result, const MigrationFile& file, const Statement& statement) {
  const auto text = postgres::field_of(result, PG_DIAG_STATEMENT_POSITION);
  std::size_t position = 0;
  std::from_chars(text.data(), text.data() + text.size(), position);
  if (position == 0) return statement.span.begin;
  return statement.span.begin + byte_of_character(file.sql(statement), position - 1);
}

std::string_view remedy_for(const Failure& failure) {
  if (failure.name == ErrorName::lock_not_available) {
    return "find who holds the lock (pg_locks, pg_stat_activity) and run `walgate migrate up` again when it is free, "
           "or "
           "allow more in migrations.lock_timeout";
  }
  if (failure.recovery == Recovery::retry) return "run `walgate migrate up` again when the server can do it";
  if (failure.sqlstate == "42501") {
    return "give the role of migrations.conninfo what the message names (to alter a table it has to own it, or be a "
           "member "
           "of its owner), then run `walgate migrate up` again";
  }
  if (failure.sqlstate == "25001") {
    return "put the line \"-- walgate: no-transaction\" at the head of the file, and only this statement into it";
  }
  return {};
}

[[noreturn]] void throw_refused(Connection& session, const PGresult* result, const MigrationFile& file,
                                const Statement& statement) {
  auto failure =
      postgres::failure_of(result, postgres::Side::target, session.phase(), postgres::encoding_of(session.handle()));
  if (failure.recovery == Recovery::stop) failure.name = ErrorName::migration_failed;
  if (failure.message.find("message withheld") != std::string::npos) {
    failure.detail += fmt::format("{}the target's log has the message", failure.detail.empty() ? "" : "; ");
  }
  failure.message = fmt::format("{}: {}", file.place(place_of(result, file, statement)), failure.message);
  if (const auto remedy = remedy_for(failure); !remedy.empty()) failure.remedy = remedy;
  throw Error{std::move(failure)};
}

[[noreturn]] void throw_ended(const std::string& place) {
  throw Error{Failure{.name = ErrorName::migration_ended_transaction,
                      .message = fmt::format("{}: the file has ended the transaction in which it ran; nothing is "
                                             "recorded in the ledger",
                                             place),
                      .phase = "migrate"}};
}

}  // namespace

void run_statement(Connection& session, const MigrationFile& file, const Statement& statement) {
  const auto result = session.try_exec(std::string{file.sql(statement)});
  switch (PQresultStatus(result.get())) {
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      throw Error{Failure{.name = ErrorName::migration_failed,
                          .message = fmt::format("{}: COPY cannot read from or write to us, who have no rows for it",
                                                 file.place(statement.span.begin)),
                          .remedy = "use INSERT, or COPY with a file of the server",
                          .phase = session.phase()}};
    case PGRES_FATAL_ERROR:
      throw_refused(session, result.get(), file, statement);
    default:
      return;
  }
}

void run_in_transaction(Connection& session, const MigrationFile& file) {
  const auto transaction = text_field(session.exec("SELECT pg_catalog.pg_current_xact_id()"), 0, 0);
  for (const auto& statement : file.statements) {
    run_statement(session, file, statement);
    if (PQtransactionStatus(session.handle()) != PQTRANS_INTRANS) throw_ended(file.place(statement.span.begin));
  }
  if (text_field(session.exec("SELECT pg_catalog.pg_current_xact_id_if_assigned()"), 0, 0) != transaction) {
    throw_ended(file.path);
  }
  const auto deferred = session.try_exec("SET CONSTRAINTS ALL IMMEDIATE");
  if (PQresultStatus(deferred.get()) == PGRES_FATAL_ERROR) {
    throw_refused(session, deferred.get(), file, file.statements.back());
  }
}

}  // namespace walgate::migrate
