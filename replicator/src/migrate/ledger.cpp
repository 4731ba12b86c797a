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

void record_applied(Connection& session, const std::string& pipeline, const MigrationFile& file) {
  session.exec(
      "INSERT INTO walgate.migrations (scope, id, checksum, applied_at, duration) VALUES ($1, $2, $3, "
      "pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp() - pg_catalog.transaction_timestamp())",
      {scope_of(pipeline), file.id, file.checksum});
}

void record_begin(Connection& session, const std::string& pipeline, const MigrationFile& file) {
  session.exec(
      "INSERT INTO walgate.migrations (scope, id, checksum, state) VALUES ($1, $2, $3, 'running') "
      "ON CONFLICT (scope, id) DO UPDATE SET applied_at = pg_catalog.now(), applied_by = DEFAULT",
      {scope_of(pipeline), file.id, file.checksum});
}

void record_end(Connection& session, const std::string& pipeline, const MigrationFile& file) {
  session.exec(
      "UPDATE walgate.migrations SET state = 'done', applied_at = pg_catalog.clock_timestamp(), "
      "duration = pg_catalog.clock_timestamp() - applied_at WHERE scope = $1 AND id = $2",
      {scope_of(pipeline), file.id});
}

void forget_begin(Connection& session, const std::string& pipeline, const MigrationFile& file) {
  session.exec("DELETE FROM walgate.migrations WHERE scope = $1 AND id = $2 AND state = 'running'",
               {scope_of(pipeline), file.id});
}

}  // namespace walgate::migrate
