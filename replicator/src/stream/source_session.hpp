// source_session.hpp - sessions on the source, and what they tell about the cluster and the slot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "postgres/connection.hpp"

namespace walgate::stream {

/// A walsender of the source's database; it also runs ordinary statements until streaming starts.
[[nodiscard]] postgres::Connection open_replication(const Config& config, const Event* stop);
/// An ordinary session, for watching.
[[nodiscard]] postgres::Connection open_monitor(const Config& config, const Event* stop);

/// Sessions of the initial copy: one that takes the snapshot and asks, in UTF-8, and those that read rows, in the
/// server's encoding.  Their values are written as the stream's are.
[[nodiscard]] postgres::Connection open_snapshot_holder(const Config& config, const Event* stop);
[[nodiscard]] postgres::Connection open_reader(const Config& config, const Event* stop);

/// Which cluster and database this is.
struct SourceIdentity {
  std::string system;
  std::int64_t timeline = 0;
  std::uint32_t database = 0;
  std::string database_name;
  std::string encoding;          ///< of the database, PostgreSQL's name
  Lsn flushed;                   ///< pg_current_wal_flush_lsn()
  std::string application_name;  ///< as the server sees us
  std::string synchronous_standby_names;
  bool in_recovery = false;  ///< a standby
  std::string lc_monetary;   ///< how money is written there
};
/// On a replication connection.
[[nodiscard]] SourceIdentity identify_source(postgres::Connection& replication);

struct SlotInfo {
  std::string plugin;
  std::string database;
  std::optional<int> active_pid;
  Lsn confirmed_flush;
  Lsn restart;
  std::string wal_status;
  std::int64_t transactions = 0;  ///< decoded since the slot was made or its statistics were reset
};
[[nodiscard]] std::optional<SlotInfo> find_slot(postgres::Connection& source, const std::string& slot);

/// Does the source wait for us, by our application_name, before it answers a COMMIT?
[[nodiscard]] bool is_synchronous_standby(const SourceIdentity& source);

/// The START_REPLICATION command, in UTF-8.
[[nodiscard]] std::string start_command(const Config& config, const std::string& slot, Lsn position);

}  // namespace walgate::stream
