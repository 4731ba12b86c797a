#include "migrate/ledger.hpp"

namespace walgate::migrate {

using postgres::Connection;

std::string scope_of(const std::string& pipeline) {
  return "pipeline:" + pipeline;
}

std::vector<LedgerRow> read_ledger(Connection& session, const std::string& pipeline) {
  std::vector<LedgerRow> ledger;
  const auto knows = session.exec(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = "
      "pg_catalog.to_regclass('walgate.migrations') AND attname = 'state')");
  if (!bool_field(knows, 0, 0)) return ledger;
  const auto result = session.exec(
      "SELECT number, id, checksum, state = 'running', "
      "pg_catalog.to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), applied_by, "
      "(extract(epoch FROM duration) * 1000)::int8, source_lsn "
      "FROM walgate.migrations WHERE scope = $1 ORDER BY number",
      {scope_of(pipeline)});
  for (int row = 0; row < rows(result); ++row) {
    LedgerRow entry{.number = static_cast<int>(number_field(result, row, 0)),
                    .id = text_field(result, row, 1),
                    .checksum = text_field(result, row, 2),
                    .running = bool_field(result, row, 3),
                    .applied_at = text_field(result, row, 4),
                    .applied_by = text_field(result, row, 5)};
    if (field(result, row, 6)) entry.duration = std::chrono::milliseconds{number_field(result, row, 6)};
    if (field(result, row, 7)) entry.source_lsn = lsn_field(result, row, 7);
    ledger.push_back(std::move(entry));
  }
  return ledger;
}

namespace {

std::optional<std::string> text_of(std::optional<Lsn> lsn) {
  return lsn ? std::optional{lsn->text()} : std::nullopt;
}

void tell_listeners(Connection& session) {
  session.exec("SELECT pg_catalog.pg_notify('walgate_migrations', '')");
}

}  // namespace

void record_applied(Connection& session, const std::string& pipeline, const MigrationFile& file,
                    std::optional<Lsn> source_lsn) {
  session.exec(
      "INSERT INTO walgate.migrations (scope, id, checksum, applied_at, duration, source_lsn) VALUES ($1, $2, $3, "
      "pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp() - pg_catalog.transaction_timestamp(), $4)",
      {scope_of(pipeline), file.id, file.checksum, text_of(source_lsn)});
  tell_listeners(session);
}

void record_begin(Connection& session, const std::string& pipeline, const MigrationFile& file,
                  std::optional<Lsn> source_lsn) {
  session.exec(
      "INSERT INTO walgate.migrations (scope, id, checksum, state, source_lsn) VALUES ($1, $2, $3, 'running', $4) "
      "ON CONFLICT (scope, id) DO UPDATE SET applied_at = pg_catalog.now(), applied_by = DEFAULT",
      {scope_of(pipeline), file.id, file.checksum, text_of(source_lsn)});
}

void record_end(Connection& session, const std::string& pipeline, const MigrationFile& file) {
  session.exec(
      "UPDATE walgate.migrations SET state = 'done', applied_at = pg_catalog.clock_timestamp(), "
      "duration = pg_catalog.clock_timestamp() - applied_at WHERE scope = $1 AND id = $2",
      {scope_of(pipeline), file.id});
  tell_listeners(session);
}

void forget_begin(Connection& session, const std::string& pipeline, const MigrationFile& file) {
  session.exec("DELETE FROM walgate.migrations WHERE scope = $1 AND id = $2 AND state = 'running'",
               {scope_of(pipeline), file.id});
}

}  // namespace walgate::migrate
