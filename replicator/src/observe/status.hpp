// status.hpp - what the service knows about itself: the fields of `status --json`.
//
// The threads of the service write their part into one StatusBoard; the HTTP listener and the log read
// whole snapshots.  Nothing here holds a value of a user's row.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "errors/error.hpp"
#include "wire/lsn.hpp"

namespace walgate {

enum class ServiceState { starting, copying, streaming, at_gate, behind, retrying, paused, stopped };

/// Counted since the service started.
struct Counters {
  std::uint64_t transactions = 0;
  std::uint64_t inserts = 0;
  std::uint64_t updates = 0;
  std::uint64_t deletes = 0;
  std::uint64_t truncates = 0;
  std::uint64_t strict_replays = 0;
  std::uint64_t retries = 0;
  std::uint64_t apply_errors = 0;
  std::uint64_t missing_rows_skipped = 0;
  std::uint64_t cascaded_deletes = 0;  ///< deletes whose row the target's own ON DELETE had taken already
  std::uint64_t duplicates_skipped = 0;
  std::uint64_t transactions_skipped = 0;  ///< by `walgate skip`
};

struct Conflicts {
  std::uint64_t insert_exists = 0;
  std::uint64_t update_missing = 0;
  std::uint64_t delete_missing = 0;
};

struct TableStatus {
  std::string source;
  std::string target;
  std::string state = "streaming";
  std::optional<std::uint64_t> rows_copied{};  ///< by the initial copy; nullopt: there is none
  std::optional<std::uint64_t> rows_estimated{};
};

/// An initial copy in progress.
struct CopyStatus {
  std::uint64_t rows = 0;
  std::uint64_t rows_estimated = 0;
  std::uint64_t bytes = 0;  ///< as they travel
  std::uint64_t rows_per_second = 0;
  std::optional<std::uint64_t> eta_seconds;
  std::optional<std::uint64_t> snapshot_age_seconds;
  std::optional<std::string> waiting_for;  ///< on the source, before a snapshot can be taken
  std::vector<std::string> blocked;        ///< sessions of the source that wait for our locks
};

/// The stream waits for the target.
struct GateStatus {
  std::string relation;                  ///< empty: a migration is waited for
  std::vector<std::string> differences;  ///< for people
  std::chrono::system_clock::time_point since{};
  std::optional<Lsn> lsn;  ///< final_lsn of the transaction; nullopt: a copy waits
  std::optional<std::string> migration;
  std::optional<std::uint64_t> retained_bytes_per_minute;
};

enum class MirrorState {
  opening,    ///< reaches the cluster
  copying,    ///< sends the rows that were there before
  streaming,  ///< follows the target
  behind,     ///< reads a slot of its own
  retrying,
  stopped  ///< a person is needed; the target goes on
};

/// Changes that the topics lack.
struct GapStatus {
  Lsn from;
  Lsn to;  ///< zero: not known yet
};

/// The rows of a table on their way to Kafka.
struct MirrorCopyStatus {
  std::string relation;
  std::uint64_t rows = 0;
  std::uint64_t rows_estimated = 0;
};

/// The Kafka mirror.
struct MirrorStatus {
  MirrorState state = MirrorState::opening;
  std::chrono::system_clock::time_point since{};  ///< of the state
  Lsn position;                                   ///< of the source, up to where the topics are complete
  std::uint64_t transactions = 0;                 ///< sent since the service started, and the next two
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> retained_wal_bytes;  ///< by its own slot; nullopt: it has none
  std::optional<MirrorCopyStatus> copy;
  std::optional<GapStatus> gap;  ///< until every table was published again
  std::optional<Failure> error;
};

/// Distance between the source and the target; unknown parts are nullopt.
struct Lag {
  std::optional<std::uint64_t> bytes;
  std::uint64_t transactions = 0;            ///< received and not yet committed on the target
  std::optional<std::int64_t> milliseconds;  ///< commit on the source to commit on the target, the newest one
};

struct Status {
  std::string pipeline;
  std::string version;
  std::optional<int> pid;
  ServiceState state = ServiceState::starting;
  std::chrono::system_clock::time_point since{};  ///< of the state; the epoch: unknown
  std::optional<std::string> reason;
  std::optional<std::string> next_step;
  Lsn source_lsn;
  Lsn received_lsn;
  Lsn applied_lsn;
  Lsn confirmed_lsn;
  Lag lag;
  std::optional<std::uint64_t> retained_wal_bytes;
  std::optional<bool> replica_role;  ///< is the session_replication_role of our target sessions `replica`?
  Counters counters;
  Conflicts conflicts;
  std::vector<TableStatus> tables;
  std::optional<CopyStatus> copy;
  std::optional<GateStatus> gate;
  std::optional<MirrorStatus> mirror;  ///< nullopt: there is none
  std::optional<Failure> error;        ///< the standing error: what stopped the service or what it retries
};

/// What the stream waited for at a gate is done.
inline void pass_gate(Status& status) {
  status.gate.reset();
  status.state = ServiceState::streaming;
  status.since = std::chrono::system_clock::now();
  status.reason.reset();
  status.next_step.reset();
}

/// The shared copy.  Any thread.
class StatusBoard {
 public:
  template <typename Change>
  void update(Change&& change) {
    const std::lock_guard lock{mutex_};
    change(status_);
  }
  [[nodiscard]] Status snapshot() const {
    const std::lock_guard lock{mutex_};
    return status_;
  }

 private:
  mutable std::mutex mutex_;
  Status status_;
};

/// The object `gate` of that document, and back; nullopt for a text that is none.
[[nodiscard]] std::string gate_json(const GateStatus& gate);
[[nodiscard]] std::optional<GateStatus> parse_gate(std::string_view json);
/// The JSON document of `status --json` (docs/commands.md), one object, keys in the documented order.
[[nodiscard]] std::string status_json(const Status& status);
/// Reads what status_json wrote, also when another release did: fields it does not know are passed over, missing ones
/// keep their defaults.  nullopt for a text that is no such document.
[[nodiscard]] std::optional<Status> parse_status(std::string_view json);
/// Some lines for a person.
[[nodiscard]] std::string status_text(const Status& status, bool colour);
/// "1 000 rows of about 5 000 (20 %), …", one line.
[[nodiscard]] std::string copy_text(const CopyStatus& copy);
[[nodiscard]] std::string_view text_of(ServiceState state) noexcept;
[[nodiscard]] std::string_view text_of(MirrorState state) noexcept;

}  // namespace walgate
