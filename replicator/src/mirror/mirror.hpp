// mirror.hpp - the thread that keeps Kafka beside the target, and never in its way.
//
// In lockstep it is fed by the applier: what the target has committed comes through a bounded queue, from the one
// stream.  The source's slot then keeps what either of the two lacks.  When the queue is full, or Kafka fails, the
// mirror lets go: a copy of the slot keeps the WAL for it from then on, and the slot itself serves the target alone.
// Behind, the mirror reads a stream of its own, never beyond the target, and joins again where the feed begins.
//
//   opening    reaches the cluster, ends what a predecessor left open, reads its position      → lockstep, behind
//   lockstep   takes from the feed; until that ends                                            → behind
//   behind     reads the slot's copy; until it has come to where the feed begins               → lockstep
//   retrying   something failed that may pass; what was sent since the last commit is given up → opening
//   stopped    a person is needed; the copy of the slot keeps the WAL, the target goes on
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "batch/acknowledgement.hpp"
#include "batch/feed.hpp"
#include "config/config.hpp"
#include "mirror/publisher.hpp"
#include "observe/status.hpp"
#include "postgres/connection.hpp"

namespace walgate::mirror {

/// What the target remembers of a mirror, so that a lost or foreign Kafka is told from a new one.
struct MirrorIdentity {
  std::string cluster;
  std::string incarnation;
};

struct MirrorStart {
  PublisherSource source;
  Lsn position;                         ///< a mirror that is new begins here: what follows is still held for it
  std::int64_t timeline = 0;            ///< of the source
  Lsn flushed;                          ///< where the source was
  bool has_copy = false;                ///< the slot's copy is there from an earlier time
  std::set<Lsn> skips;                  ///< final_lsn of transactions to leave out
  std::optional<MirrorIdentity> known;  ///< to the target
  std::function<void(const MirrorIdentity&)> remember;  ///< on the target; durable when it returns
};

class Mirror {
 public:
  /// All references must outlive the mirror.  `feed` has been asked before the applier began; `acknowledgement` is that
  /// of the main stream, with a limit that holds what the mirror may lack.  `finish`: the applier has ended, send what
  /// is whole and leave.  `stop`: leave now.
  Mirror(const Config& config, MirrorStart start, Feed& feed, Acknowledgement& acknowledgement, StatusBoard& board,
         const Event& finish, const Event& stop);

  /// Until asked to leave.  Throws nothing but what is a mistake of ours.
  void run();

 private:
  using Clock = std::chrono::steady_clock;

  void open();
  void stream();
  void follow_in_lockstep();
  void catch_up();

  /// Takes what waits and sends it; false when nothing did.
  template <typename From>
  bool take_some(From& from, Lsn up_to);
  void send(const Piece& piece);
  void commit_if_due(bool now);
  void commit();
  [[nodiscard]] std::chrono::milliseconds until_due() const;

  /// The slot's copy is there afterwards, and the slot itself is the target's alone.
  void let_go();
  [[nodiscard]] bool try_to_let_go();
  /// The copy is not needed any more.
  void drop_copy_when_passed();
  /// The copy still holds what follows our position.  Throws Error mirror_gap.
  void check_copy(postgres::Connection& source) const;
  [[nodiscard]] postgres::Connection open_source() const;

  void show(MirrorState state);
  void show_failure(const Failure& failure, bool final);
  [[nodiscard]] bool is_leaving() const noexcept { return finish_.is_set() || stop_.is_set(); }
  /// Waits for the event, for being asked to leave, or until the time is over.
  void wait(Event& event, std::chrono::milliseconds timeout);
  /// The same; false when asked to leave.
  bool pause(std::chrono::milliseconds timeout);

  const Config& config_;
  MirrorStart start_;
  Feed& feed_;
  Acknowledgement& acknowledgement_;
  StatusBoard& board_;
  MirrorCounters counters_;  ///< since the service started
  const Event& finish_;
  const Event& stop_;

  std::optional<Publisher> publisher_;
  std::uint64_t record_limit_ = 0;  ///< a topic has refused a record, and the least that one takes is this; 0: none has
  Lsn position_;                    ///< of the last Kafka commit
  Lsn sent_;                        ///< of the last transaction that was taken whole; not before position_
  std::optional<Lsn> idle_;
  bool in_transaction_ = false;  ///< a part of a source transaction was sent
  std::uint64_t open_rows_ = 0;  ///< of the Kafka transaction
  std::uint64_t open_bytes_ = 0;
  Clock::time_point last_commit_;
  /// The slot's copy may go once the mirror has passed this; nullopt: there is no copy, or it is needed.
  std::optional<Lsn> copy_until_;
  bool has_copy_;
  bool in_lockstep_ = false;
  Acknowledgement* own_stream_ = nullptr;  ///< behind: of the stream that is read
  Clock::time_point next_drop_;
};

}  // namespace walgate::mirror
