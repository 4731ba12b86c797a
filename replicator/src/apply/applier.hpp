// applier.hpp - the thread that writes into the target.
//
// Takes whole transactions off the queue and applies them in commit order, several source transactions in one of
// the target's when they are waiting.  Each target transaction starts by moving the position from exactly where we left
// it (the fence, walgate.advance()), so data and position are one.
//
// Changes are summed up per table and key while they are taken, and written in sets; what may not be reordered is
// written at once, after what it has to follow.  While the target works on one batch the next is summed up; nothing of
// it is sent before every result of the former was checked and its COMMIT sent.  Where the target refuses a batch for
// its contents, the same transactions run again one statement at a time in the source's order.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "apply/durability.hpp"
#include "apply/gate_watch.hpp"
#include "apply/history.hpp"
#include "apply/images.hpp"
#include "apply/progress.hpp"
#include "apply/row_check.hpp"
#include "apply/row_writer.hpp"
#include "apply/set_writer.hpp"
#include "apply/table_set.hpp"
#include "apply/target_pipeline.hpp"
#include "apply/target_session.hpp"
#include "batch/acknowledgement.hpp"
#include "batch/feed.hpp"
#include "batch/piece_queue.hpp"
#include "batch/seam.hpp"
#include "observe/status.hpp"

namespace walgate::apply {

/// What a session of the applier starts from.
struct ApplierStart {
  Claim claim;
  std::set<Lsn> skips;                ///< final_lsn of transactions to leave out
  std::set<std::string> migrations;   ///< ids of those that are applied
  std::optional<Lsn> standing_error;  ///< an error is recorded; it goes once the position has passed this
  bool replica_role = false;
  std::string encoding = "UTF8";  ///< of the values, and so of the session
  bool same_cluster = false;      ///< source and target are one server: our own writes move its WAL
  bool awaited = false;           ///< commits of the source wait for us
  CommitMode commit_mode = CommitMode::off;
  Feed* feed = nullptr;  ///< of a sink that follows the target; outlives the applier
};

class Applier {
 public:
  /// `target` is locked and claimed; all references must outlive the applier.  `finish` asks it to leave after the
  /// transaction in flight.
  Applier(postgres::Connection target, TableSet tables, const Config& config, const ApplierStart& start,
          const Seam& seam, PieceQueue& queue, Acknowledgement& acknowledgement, StatusBoard& board, History& history,
          const Event& finish);

  /// Until `finish` is set or the queue is closed and empty.  Throws Error; CopyNeeded; HeldAt, and Surveyed in the
  /// session after it; Interrupted when the connection's stop event is set, or when a transaction's rest will not come.
  void run();

 private:
  /// Source transactions that become one of the target's.
  struct Batch {
    std::vector<Piece> pieces;  ///< kept until the target has taken it all, to run it again; not of a large one
    Lsn position;               ///< after it
    wire::Begin newest;
    bool large = false;                   ///< a transaction whose end had not arrived when it was begun
    bool certain = true;                  ///< of rows only inserts, which hit what they are given or fail
    bool begun = false;                   ///< its BEGIN was sent
    bool strictly = false;                ///< every change by itself, in the source's order
    bool last_resort = false;             ///< everything summed up, in the order that History asks for
    std::vector<PreparedTable*> pending;  ///< tables whose changes wait to be written
    Counters counted;                     ///< changes that were summed up
    HeldTables held;                      ///< tables whose changes come in another shape than before
  };
  /// A COMMIT that is on its way.
  struct Committing {
    Lsn position;
    std::int64_t commit_time = 0;  ///< of its newest transaction; 0: there is none
    Tally tally;
    std::vector<Piece> pieces;  ///< for the feed
  };

  void apply_batch(std::vector<Piece> pieces, bool strictly);
  /// Asks the target for what pieces of the batch, which are not written yet, lack for the feed.
  void ask_for_images(Batch& batch, std::span<const Piece> pieces);
  void take_changes(Batch& batch);
  void take_piece(Batch& batch, const Piece& piece);
  /// What was learned of tables since the last time belongs to this batch.
  void take_learned(Batch& batch);
  void take_change(Batch& batch, const wire::Begin& transaction, const wire::Change& change);
  void apply_truncate(Batch& batch, const Piece& piece, const wire::Change& change);
  void note_skipped(Batch& batch, const Piece& piece);
  /// Reads the transaction to its end without applying it.
  [[noreturn]] void survey(std::vector<Piece> pieces);
  Piece next_piece();

  /// Writes what is summed up: of everything, or what has to be written before an ordered change of the table.
  void flush(Batch& batch);
  void flush_before(Batch& batch, const PreparedTable& table);
  void flush(Batch& batch, std::vector<PreparedTable*> tables);
  static void drop_pending(Batch& batch) noexcept;

  /// Sends the fence, after the COMMIT of the batch before.
  void begin(Batch& batch);
  /// Waits for what is in flight and sends its COMMIT.
  void finish_batch();
  void send_commit(Batch& batch);
  /// Commits a batch without looking at its results first, in one round trip.
  void commit_certain(Batch& batch);
  /// Did the target refuse the batch for what it holds, and have we got all of it still?
  [[nodiscard]] bool may_replay(const Batch& batch, const Failure& failure) const;
  /// Takes the batch back and sends it again, one change at a time.
  void replay(Batch& batch, const Failure& failure);
  void punish(TableState& state) const;

  /// Errors know the transaction.
  PreparedTable& table_of(const wire::Relation& relation, const wire::Begin& transaction);
  void persist_position(Lsn position);
  void persist_idle();
  void poll_durable();
  void ask_for_wal();
  /// The batch in flight is given up, but what was committed before it is.
  void read_before_leaving();
  void settle();
  void on_result(const Ticket& ticket, const PGresult* result);
  void on_commit();
  std::chrono::milliseconds idle_wait() const;

  const Config& config_;
  const Seam& seam_;
  PieceQueue& queue_;
  Acknowledgement& acknowledgement_;
  StatusBoard& board_;
  History& history_;
  const Event& finish_;
  TableSet tables_;
  const GateWatch gates_;
  const bool replica_role_;
  const bool same_cluster_;
  const bool awaited_;
  Feed* const feed_;
  const std::int64_t epoch_;
  std::set<Lsn> skips_;
  std::optional<Lsn> standing_error_;

  Lsn parts_until_;          ///< of the newest transaction that was handed on in parts: its end
  Lsn position_;             ///< the target's, once every COMMIT that was sent is done
  std::optional<Lsn> idle_;  ///< everything up to here has been sent, and nothing is outstanding
  std::chrono::steady_clock::time_point last_commit_;
  std::chrono::steady_clock::time_point last_poll_;

  std::optional<Batch> in_flight_;                                       ///< sent, and not all of its results read
  std::deque<Committing> committing_;                                    ///< in order
  std::uint64_t batch_ = 0;                                              ///< counts them
  PreparedTable* refused_ = nullptr;                                     ///< of which table the target refused a change
  std::map<std::string, std::map<std::string, std::uint64_t>> skipped_;  ///< of the transaction that is left out

  const bool at_once_;  ///< a commit is durable when it is answered
  Durability durability_;
  RowCheck check_;
  TargetPipeline target_;
  Images images_;
  RowWriter rows_;
  SetWriter sets_;
};

}  // namespace walgate::apply
