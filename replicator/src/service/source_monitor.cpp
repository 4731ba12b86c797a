#include "service/source_monitor.hpp"

#include <algorithm>
#include <string>

#include "service/table_watch.hpp"

namespace walgate::service {

SourceMonitor::SourceMonitor(const Config& config, TableLedger& ledger, const Event* stop)
    : config_{config}, ledger_{ledger}, connection_{stream::open_monitor(config, stop)} {
  connection_.set_phase("watch");
  connection_.exec(watch_limits);
}

std::optional<stream::SlotInfo> SourceMonitor::slot() {
  return stream::find_slot(connection_, config_.source.slot);
}

Lsn SourceMonitor::insert_position() {
  return lsn_field(connection_.exec("SELECT pg_catalog.pg_current_wal_insert_lsn()"), 0, 0);
}

void SourceMonitor::look(StatusBoard& board, const PieceQueue& queue) {
  look_at_position(board, queue);
  const auto now = std::chrono::steady_clock::now();
  if (now < next_tables_) return;
  next_tables_ = now + table_interval;
  look_at_tables(board);
}

void SourceMonitor::look_at_tables(StatusBoard& board) {
  looked_ = watch_tables(config_, connection_, ledger_);
  auto tables = table_status(config_, ledger_.known());
  board.update([&](Status& status) {
    copy::show(copies_, status.applied_lsn, config_.copy.enabled, tables);
    status.tables = std::move(tables);
  });
}

void SourceMonitor::look_at_position(StatusBoard& board, const PieceQueue& queue) {
  const auto result = connection_.exec(
      "SELECT pg_catalog.pg_current_wal_flush_lsn(), "
      "pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), restart_lsn) "
      "FROM pg_catalog.pg_replication_slots WHERE slot_name = $1",
      {config_.source.slot});
  if (postgres::rows(result) == 0) return;
  const auto source = lsn_field(result, 0, 0);
  const auto retained = field(result, 0, 1);
  board.update([&](Status& status) {
    status.source_lsn = source;
    status.lag.transactions = queue.waiting_transactions();
    status.lag.bytes = source.value - std::min(source.value, status.applied_lsn.value);
    if (retained) status.retained_wal_bytes = static_cast<std::uint64_t>(std::max(0.0, std::stod(*retained)));
  });
}

}  // namespace walgate::service
