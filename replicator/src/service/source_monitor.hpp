// source_monitor.hpp - an ordinary session on the source, beside the stream.
//
// Asks the source now and then where it is, and which tables are published.  The session also is our notice of a
// shutdown: the server ends ordinary sessions first and then waits for walsenders, without a limit.
#pragma once

#include <chrono>
#include <optional>

#include "batch/piece_queue.hpp"
#include "catalog/table_ledger.hpp"
#include "config/config.hpp"
#include "copy/ledger.hpp"
#include "observe/status.hpp"
#include "postgres/connection.hpp"
#include "stream/source_session.hpp"

namespace walgate::service {

/// Of the main thread of a session.
class SourceMonitor {
 public:
  SourceMonitor(const Config& config, TableLedger& ledger, const Event* stop);

  [[nodiscard]] std::optional<stream::SlotInfo> slot();
  [[nodiscard]] int socket() const { return PQsocket(connection_.handle()); }

  /// No commit that can be seen now ends after it.
  [[nodiscard]] Lsn insert_position();
  /// At the position, and now and then at the tables.
  void look(StatusBoard& board, const PieceQueue& queue);
  void look_at_tables(StatusBoard& board);
  /// What the look has to know of copies.
  void set_copies(copy::Entries copies) { copies_ = std::move(copies); }
  [[nodiscard]] postgres::Connection& connection() noexcept { return connection_; }
  /// Did the last look find out what is published?
  [[nodiscard]] bool has_looked() const noexcept { return looked_; }

 private:
  void look_at_position(StatusBoard& board, const PieceQueue& queue);

  const Config& config_;
  TableLedger& ledger_;
  copy::Entries copies_;
  postgres::Connection connection_;
  std::chrono::steady_clock::time_point next_tables_;
  bool looked_ = false;
};

}  // namespace walgate::service
