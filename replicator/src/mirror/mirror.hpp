// mirror.hpp - the thread that keeps Kafka beside the target, and never in its way.
//
// In lockstep it is fed by the applier: what the target has committed comes through a bounded queue, from the one
// stream.  The source's slot then keeps what either of the two lacks.  When the queue is full, or Kafka fails, the
// mirror lets go: a copy of the slot keeps the WAL for it from then on, and the slot itself serves the target alone.
// Behind, the mirror reads a stream of its own, never beyond the target, and joins again where the feed begins.
//
//   opening    reaches the cluster, ends what a predecessor left open, reads its position      → copying, lockstep,
//                                                                                                 behind
//   copying    sends the rows of tables that are not in Kafka yet, or are wanted again          → lockstep, behind
//   lockstep   takes from the feed; until that ends                                            → behind
//   behind     reads the slot's copy; until it has come to where the feed begins               → lockstep
//   retrying   something failed that may pass; what was sent since the last commit is given up → opening
//   stopped    a person is needed; the copy of the slot keeps the WAL, the target goes on       → opening, when a
//                                                                                                 person has topics
//                                                                                                 built again, or the
//                                                                                                 transaction left out
//
// Where Kafka is the only sink there is neither feed nor copy of the slot: the mirror reads the slot itself.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "batch/acknowledgement.hpp"
#include "batch/feed.hpp"
#include "config/config.hpp"
#include "mirror/course.hpp"
#include "mirror/mirror_failure.hpp"
#include "mirror/publisher.hpp"
#include "mirror/slot_copy.hpp"
#include "mirror/source_watch.hpp"
#include "mirror/topic_reader.hpp"
#include "observe/status.hpp"

namespace walgate::mirror {

struct MirrorStart {
  PublisherSource source;
  std::int64_t timeline = 0;  ///< of the source
  Lsn flushed;                ///< where the source was
  std::uint32_t database = 0;
  std::int64_t slot_transactions = 0;
  bool awaited = false;                 ///< commits of the source wait for us alone
  Lsn position;                         ///< a mirror that is new begins here: what follows is still held for it
  bool has_copy = false;                ///< the slot's copy is there from an earlier time
  std::set<Lsn> skips;                  ///< final_lsn of transactions to leave out
  std::optional<MirrorIdentity> known;  ///< to the target
  std::optional<MirrorGap> gap;         ///< the same
  std::function<void(const MirrorIdentity&)> remember;  ///< on the target; durable when it returns
  std::function<void(const std::optional<MirrorGap>&)> remember_gap;
  /// Without a target: where the slot goes on when what it has forgotten may be lacking, because a person has all
  /// topics built again.  Throws Error where the slot and what Kafka remembers contradict each other.
  std::function<std::optional<Lsn>(const ProgressRecords&)> check;
};

class Mirror {
 public:
  /// Beside a target.  All references must outlive the mirror.  `feed` has been asked before the applier began;
  /// `acknowledgement` is that of the main stream, with a limit that holds what the mirror may lack.  `finish`: the
  /// applier has ended, send what is whole and leave.  `stop`: leave now.
  Mirror(const Config& config, MirrorStart start, Feed& feed, Acknowledgement& acknowledgement, StatusBoard& board,
         const Event& finish, const Event& stop);
  /// Where Kafka is the only sink.
  Mirror(const Config& config, MirrorStart start, StatusBoard& board, const Event& finish, const Event& stop);

  /// Beside a target: until asked to leave.  Throws nothing but what is a mistake of ours.
  void run();
  /// Alone: until asked to leave.  Throws Error, Interrupted.
  void run_alone();

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds look_interval{500};
  /// Thrown between transactions: something has to be done before the stream goes on, from opening on.
  struct Again {};
  /// Thrown where the slot's copy keeps more than it may.
  struct TooFarBehind {};

  Mirror(const Config& config, MirrorStart start, Feed* feed, Acknowledgement* acknowledgement, StatusBoard& board,
         const Event& finish, const Event& stop);
  /// Until asked to leave, over all failures.  Throws Interrupted.
  void attend_again_and_again();
  /// Until asked to leave, or until something fails.
  void attend();
  /// The same without a target, whose memory Kafka then is.
  void attend_and_end_alone();
  [[nodiscard]] Failure failure_in_kafka(const KafkaError& error) const;
  /// A broker that refuses a record or a batch as too large does not say which.  True: measured, each record will tell;
  /// false where that is known already.
  [[nodiscard]] bool learns_record_limit(const Failure& failure);
  void open();
  void take_requests(const ProgressRecords& found);
  void copy_tables();
  void stream();
  void follow_in_lockstep();
  /// Reads a slot: its own copy until it can join the feed, or, without a target, the pipeline's.
  void read_stream();

  /// Takes what waits and sends it; false when nothing did.
  template <typename From>
  bool take_some(From& from, Lsn up_to);
  void send(const Piece& piece);
  void leave_out(const Piece& piece);
  void commit_if_due(bool now);
  void commit();
  /// What was sent since the last commit does not count.
  void give_up();
  /// Until the next Kafka transaction may begin; zero while one is open.
  [[nodiscard]] std::chrono::milliseconds until_next() const;
  /// Until the open one is to be committed.
  [[nodiscard]] std::chrono::milliseconds until_due() const;
  [[nodiscard]] bool is_full() const;

  /// The slot's copy is there afterwards, and the slot itself is the target's alone.
  void let_go();
  [[nodiscard]] bool try_to_let_go();
  /// The copy is not needed any more.
  void drop_copy_when_passed();
  /// The slot's copy holds what follows our position.  Throws Error mirror_gap.
  void check_copy();
  /// Until nobody reads the slot any more, our own walsender of a moment ago above all; not for long.
  void wait_until_free(const std::string& slot);
  /// Gives up what the slot's copy keeps; the target remembers from where on.
  void leave_gap();
  /// Goes on where the target is, or at `position`; what lies between is lacking.
  void go_on_after_gap(Lsn from, std::optional<Lsn> position);
  [[nodiscard]] bool has_open_gap() const noexcept { return start_.gap && !start_.gap->to.is_set(); }

  /// Now and then, between transactions: what has changed on the source, and what a person wants.  Throws Again,
  /// TooFarBehind.
  void look(bool is_behind);
  void look_at_tables();
  void look_at_slot(bool is_behind);
  [[nodiscard]] bool is_called();
  void end_gap_when_filled(const PublishedTables& published);
  [[nodiscard]] std::vector<QualifiedName> wanted_tables(const PublishedTables& published) const;

  void show(MirrorState state);
  void show_failure(const Failure& failure, bool final);
  /// What the mirror stands at, for `skip`.
  void try_to_record();
  [[nodiscard]] bool is_leaving() const noexcept { return finish_.is_set() || stop_.is_set(); }
  /// Waits for the event, for being asked to leave, or until the time is over.
  void wait(Event& event, std::chrono::milliseconds timeout);
  /// Until asked to leave, or until the time is over; true when asked.
  bool rest(std::chrono::milliseconds timeout);
  /// Waits after a failure; false when asked to leave.  One that is `final` ends when a person calls.
  bool pause(std::chrono::milliseconds timeout, bool final, bool has_let_go);
  void leave_feed();

  const Config& config_;
  MirrorStart start_;
  Feed* const feed_;                        ///< null: there is no target
  Acknowledgement* const acknowledgement_;  ///< the same
  StatusBoard& board_;
  MirrorCounters counters_;  ///< since the service started
  const Event& finish_;
  const Event& stop_;

  std::optional<Publisher> publisher_;
  std::optional<TopicTail> calls_;  ///< the progress topic, where people leave what they want
  SlotCopy slot_;
  SourceWatch source_;
  std::uint64_t record_limit_ = 0;  ///< a topic has refused a record, and the least that one takes is this; 0: none has
  Lsn position_;                    ///< of the last Kafka commit
  Lsn sent_;                        ///< of the last transaction that was taken whole; not before position_
  std::optional<Lsn> idle_;
  std::set<Lsn> asked_skips_;                        ///< of start_.skips, those that people want of the mirror alone
  std::map<QualifiedName, std::uint64_t> left_out_;  ///< changes of the transaction
  std::optional<Failure> unrecorded_;                ///< the mirror stands at it, and Kafka does not know yet
  bool in_transaction_ = false;                      ///< a part of a source transaction was sent
  std::uint64_t open_rows_ = 0;                      ///< of the Kafka transaction
  std::uint64_t open_bytes_ = 0;
  bool was_full_ = false;  ///< the last one: more waits, most likely
  Clock::time_point last_commit_;
  /// The slot's copy may go once the mirror has passed this; nullopt: there is no copy, or it is needed.
  std::optional<Lsn> copy_until_;
  bool has_copy_;
  bool in_lockstep_ = false;
  Acknowledgement* own_stream_ = nullptr;       ///< of the stream that is read, but in lockstep
  Course course_{config_.kafka.catch_up_time};  ///< beside a target, while it is behind
  Clock::time_point next_drop_;
  Clock::time_point next_look_;
  Clock::time_point next_tables_;
  bool has_warned_ = false;                          ///< of too much WAL that is kept
  std::set<QualifiedName> unpublished_;              ///< their changes came before a copy, and there is none to be had
  std::map<QualifiedName, std::string> uncopyable_;  ///< published in that way, and without a column
  std::map<QualifiedName, Lsn> left_;                ///< tables that are published no more, and where that was seen
};

}  // namespace walgate::mirror
