// applier.hpp - the thread that writes into the target.
//
// Takes whole transactions off the queue and applies them in commit order, several source transactions in one of
// the target's when they are waiting.  Each target transaction starts by moving the position from exactly where we left
// it (the fence, walgate.advance()), so data and position are one.  Statements are pipelined: one round trip for the
// changes, one for the COMMIT, which is sent only after every result was checked.
//
// This is the strict path: every change is one statement, in the source's order.  (set_wise.cpp holds the way out for
// what the target refuses in that order.)
#pragma once

#include <deque>
#include <set>
#include <string>
#include <vector>

#include "apply/history.hpp"
#include "apply/progress.hpp"
#include "apply/table_set.hpp"
#include "apply/target_session.hpp"
#include "batch/acknowledgement.hpp"
#include "batch/net_effect.hpp"
#include "batch/piece_queue.hpp"
#include "observe/status.hpp"
#include "postgres/pipeline.hpp"

namespace walgate::apply {

/// What a session of the applier starts from.
struct ApplierStart {
  Claim claim;
  std::set<Lsn> skips;                ///< final_lsn of transactions to leave out
  std::optional<Lsn> standing_error;  ///< an error is recorded; it goes once the position has passed this
  bool replica_role = false;
  std::string encoding = "UTF8";  ///< of the values, and so of the session
  bool same_cluster = false;      ///< source and target are one server: our own writes move its WAL
  bool awaited = false;           ///< commits of the source wait for us
  CommitMode commit_mode = CommitMode::off;
};

class Applier {
 public:
  /// `target` is locked and claimed; all references must outlive the applier.  `finish` asks it to leave after the
  /// transaction in flight.
  Applier(postgres::Connection target, TableSet tables, const Config& config, const ApplierStart& start,
          PieceQueue& queue, Acknowledgement& acknowledgement, StatusBoard& board, History& history,
          const Event& finish);

  /// Until `finish` is set or the queue is closed and empty.  Throws Error; Interrupted when the connection's stop
  /// event is set, or when a transaction's rest will not come.
  void run();

 private:
  /// Statements in flight before we wait for results; enough to hide a round trip.
  static constexpr std::size_t most_in_flight = 4096;
  /// Bytes of their values: what libpq may have to hold while the target is slower than we are.
  static constexpr std::size_t most_bytes_in_flight = 8 * 1024 * 1024;
  /// The OID of type text, as which values travel whose binary form does not.
  static constexpr std::uint32_t text_type = 25;

  /// Why a statement was sent: what its result means.
  struct Ticket {
    enum class Purpose : std::uint8_t { begin, fence, prepare, row, truncate, note, commit, wal_position, sync };
    Purpose purpose = Purpose::begin;
    wire::RecordKind kind = wire::RecordKind::insert;
    std::uint32_t xid = 0;
    Lsn final_lsn;
    const PreparedTable* table = nullptr;
    std::uint64_t rows = 1;  ///< how many the statement was given
    /// Of an update that leads a row into a row filter: the planned columns whose value is nowhere in the stream.
    const std::vector<bool>* missing_values = nullptr;
  };
  using Purpose = Ticket::Purpose;

  /// A commit that is visible on the target and perhaps not yet durable there.
  struct Undurable {
    Lsn position;
    Lsn target_lsn;  ///< once this is flushed there, it is durable
  };

  void apply_batch(std::vector<Piece> pieces);
  void apply_piece(const Piece& piece);
  /// The transaction's net effect, each table's inserts and deletes in one statement.  False when it cannot be summed
  /// up.
  bool apply_set_wise(const std::vector<Piece>& pieces);
  void apply_set(Ticket ticket, const TableEffect& effect, PreparedTable& table, wire::RecordKind kind);
  /// Errors know the transaction.
  PreparedTable& table_of(const wire::Relation& relation, const wire::Begin& transaction);
  void apply_change(const wire::Begin& transaction, const wire::Frame& frame, const wire::Change& change);
  void apply_insert(const Ticket& ticket, PreparedTable& table, const wire::Change& change);
  void apply_update(const Ticket& ticket, PreparedTable& table, const wire::Change& change);
  void apply_delete(const Ticket& ticket, PreparedTable& table, const wire::Change& change);
  void apply_truncate(const Ticket& ticket, const wire::Begin& transaction, const wire::Frame& frame,
                      const wire::Change& change);
  [[noreturn]] void partitions_truncated(const Ticket& ticket, const std::vector<std::string>& partitions);
  [[noreturn]] void values_missing(const Ticket& ticket);
  [[noreturn]] void not_identified(const Ticket& ticket, const PreparedTable& table);
  /// The row is found by its old image although the key may be the same (identity full).
  [[nodiscard]] bool key_differs(const TablePlan& plan, const wire::Change& change) const;
  Prepared& prepare(const Ticket& ticket, std::optional<Prepared>& slot, Statement statement);
  void execute(Ticket ticket, const Prepared& prepared, const TablePlan& plan, bool old_is_key);

  void begin(Lsn new_position);
  void commit(Lsn new_position, const Ticket& last);
  void note_skipped(const Piece& piece);
  Piece next_piece();
  void persist_idle();
  void poll_durable();
  void settle();
  void read_results(std::size_t most);
  /// After each statement: keeps what is in flight within bounds.
  void keep_pace();
  void on_result(const Ticket& ticket, const PGresult* result);
  void on_row_count(const Ticket& ticket, std::uint64_t hits);
  void publish(Lsn position);
  std::chrono::milliseconds idle_wait() const;

  const Config& config_;
  PieceQueue& queue_;
  Acknowledgement& acknowledgement_;
  StatusBoard& board_;
  History& history_;
  const Event& finish_;
  TableSet tables_;
  const bool replica_role_;
  const bool same_cluster_;
  const bool awaited_;
  const CommitMode commit_mode_;
  const std::int64_t epoch_;
  const wire::Encoding encoding_;
  std::set<Lsn> skips_;
  std::optional<Lsn> standing_error_;

  Lsn position_;     ///< committed on the target
  Lsn own_wal_end_;  ///< end of the target's WAL after our last commit
  std::deque<Undurable> undurable_;
  std::optional<Lsn> idle_;  ///< everything up to here has been sent, and nothing is outstanding
  std::chrono::steady_clock::time_point last_commit_;
  std::chrono::steady_clock::time_point last_poll_;
  std::uint64_t statements_ = 0;  ///< prepared so far, for their names

  // Of the target transaction that is being built.
  Counters counted_;
  Conflicts conflicts_;
  std::map<std::string, std::map<std::string, std::uint64_t>> skipped_;  ///< of the transaction that is left out
  std::uint32_t xid_of_deletes_ = 0;
  std::set<std::uint32_t> deleted_from_;  ///< target tables from which the present source transaction deleted

  // Scratch, so that a row costs no allocation.
  std::vector<wire::Value> new_values_;
  std::vector<wire::Value> old_values_;
  std::vector<bool> unchanged_;
  std::size_t unread_ = 0;  ///< statements since results were read
  postgres::Parameters parameters_;

  postgres::Connection connection_;
  postgres::Pipeline<Ticket> pipeline_;  ///< after connection_: it leaves pipeline mode first
};

}  // namespace walgate::apply
