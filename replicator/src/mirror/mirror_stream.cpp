// mirror_stream.cpp - the part of the mirror that moves changes: from the feed or from a slot, into Kafka transactions.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

#include "catalog/identifier.hpp"
#include "mirror/mirror.hpp"
#include "mirror/progress_notes.hpp"
#include "observe/log.hpp"
#include "stream/receiver.hpp"
#include "stream/source_session.hpp"

namespace walgate::mirror {

namespace {

using namespace std::chrono_literals;

/// After a commit the brokers still write its markers; whoever comes too early is sent away for 20 ms.
constexpr std::chrono::milliseconds rest_of_brokers{5};
/// What is read ahead on a course, and how often it goes on there: the work comes in small portions.
constexpr std::uint64_t read_ahead_bytes = 4UL * 1024 * 1024;
constexpr std::chrono::milliseconds portion{20};
/// An idle position is written this often at most, unless it is far ahead; as the target's is.
constexpr auto idle_interval = 10s;
constexpr std::uint64_t idle_step_bytes = 16UL * 1024 * 1024;

/// The rest of a transaction whose beginning was sent does not come any more.
struct Incomplete {};

/// "public.item 3, public.line 1".
std::string text_of(const std::map<QualifiedName, std::uint64_t>& counts) {
  std::string text;
  for (const auto& [table, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", table.display(), count);
  }
  return text;
}

bool is_over(const Feed& feed) {
  return feed.is_ended();
}
bool is_over(const PieceQueue& queue) {
  return queue.is_exhausted();
}
Event& event_of(Feed& feed) {
  return feed.changed();
}
Event& event_of(PieceQueue& queue) {
  return queue.filled();
}

/// Up to which transaction is taken: the next one where the course is not before us, however far that leads.
Lsn bound_of(const Course& course, Lsn sent, const PieceQueue& queue) {
  if (queue.is_closed()) return Course::unbounded;  // what is left shows whether it is whole
  const auto bound = course.bound(Course::Clock::now());
  return sent > bound ? bound : std::max(bound, queue.next_position().value_or(bound));
}

}  // namespace

// Streaming

void Mirror::stream() {
  publisher_->leave_out(unpublished_);
  while (!is_leaving()) {
    publisher_->forget_relations();
    if (feed_ == nullptr) {
      read_stream();
      continue;
    }
    const auto from = feed_->fed_from();
    if (from && *from <= position_ && !feed_->is_ended()) {
      follow_in_lockstep();
    } else {
      read_stream();
    }
  }
}

void Mirror::follow_in_lockstep() {
  in_lockstep_ = true;
  acknowledgement_->set_limit(position_);
  // What the source was told to forget before is in the copy alone.
  if (has_copy_) copy_until_ = acknowledgement_->durable();
  show(MirrorState::streaming);
  for (;;) {
    const bool over = feed_->is_ended();
    look(false);
    if (const auto rest = until_next(); rest > 0ms) {
      wait(feed_->changed(), rest);
      continue;
    }
    try {
      if (take_some(*feed_, Lsn{UINT64_MAX})) continue;
    } catch (const Incomplete&) {
      break;
    }
    if (over) break;
    if (const auto idle = feed_->take_idle()) idle_ = std::max(*idle, sent_);
    commit_if_due(false);
    if (stop_.is_set()) return;
    wait(feed_->changed(), until_due());
  }
  in_lockstep_ = !in_transaction_;
  // The feed was full, or the applier has ended.  What is whole is sent; a part of a transaction is given up.
  if (in_transaction_) {
    give_up();
    if (is_leaving()) throw postgres::Interrupted{};
    let_go();
    throw Again{};
  }
  commit_if_due(true);
  in_lockstep_ = false;
  feed_->leave();
}

void Mirror::read_stream() {
  if (feed_ != nullptr) {
    let_go();
    check_copy();
    log::info("mirror_behind", "the mirror is behind the target; it reads on from a slot of its own",
              {{"slot", slot_.name()}, {"lsn", position_}, {"target_lsn", acknowledgement_->applied()}});
    course_.leave();
    next_look_ = {};  // where the next one begins
  }
  show(feed_ != nullptr ? MirrorState::behind : MirrorState::streaming);
  const auto& slot = feed_ != nullptr ? slot_.name() : config_.source.slot;
  wait_until_free(slot);
  Event receiver_finish;
  const bool has_course = feed_ != nullptr && config_.kafka.catch_up_time > 0ms;
  PieceQueue queue{has_course ? std::min(config_.kafka.queue_bytes, read_ahead_bytes) : config_.kafka.queue_bytes};
  Acknowledgement acknowledgement{position_};
  StatusBoard unseen;
  auto replication = stream::open_replication(config_, &stop_);
  replication.set_phase("mirror");
  // Under the pipeline's own name commits of the source might wait for Kafka (synchronous_standby_names).
  if (feed_ != nullptr) {
    replication.exec(fmt::format("SET application_name = {}", quote_literal("walgate mirror " + config_.pipeline)));
  }
  if (PQsetClientEncoding(replication.handle(), start_.source.encoding.c_str()) != 0) replication.throw_lost();
  const auto command =
      wire::Encoding{start_.source.encoding}.from_utf8(stream::start_command(config_, slot, position_));
  stream::Receiver receiver{postgres::ReplicationStream{std::move(replication), command},
                            position_,
                            queue,
                            acknowledgement,
                            feed_ != nullptr ? unseen : board_,
                            receiver_finish};
  std::exception_ptr failed;  // read after the queue is closed
  std::jthread receiving{[&] {
    try {
      receiver.run();
    } catch (...) {
      failed = std::current_exception();
    }
    receiver.release();  // so that the source can shut down
    queue.close();
  }};
  struct Leave {
    Event& finish;
    ~Leave() { finish.set(); }
  } const leave{receiver_finish};

  const auto stream_lost = [&] {
    receiving.join();
    if (failed) std::rethrow_exception(failed);
    throw Error{{.name = ErrorName::connection_lost,
                 .recovery = Recovery::retry,
                 .message = "source ended the mirror's stream",
                 .phase = "mirror"}};
  };
  own_stream_ = &acknowledgement;
  struct Forget {
    Acknowledgement*& own;
    ~Forget() { own = nullptr; }
  } const forget{own_stream_};

  leave_feed();
  std::optional<Lsn> reached;  // everything before it has been put
  for (;;) {
    if (is_leaving()) {
      commit_if_due(true);
      acknowledgement.set_applied(position_);
      acknowledgement.set_durable(position_);
      receiver_finish.set();
      receiving.join();  // the last acknowledgement is sent
      return;
    }
    const auto from = feed_ != nullptr ? feed_->fed_from() : std::nullopt;
    const auto up_to = feed_ != nullptr ? from.value_or(acknowledgement_->applied()) : Lsn{UINT64_MAX};
    look(true);
    if (const auto rest = until_next(); rest > 0ms) {
      wait(queue.filled(), rest);
      continue;
    }
    try {
      if (take_some(queue, std::min(up_to, bound_of(course_, sent_, queue)))) {
        acknowledgement.set_applied(sent_);
        acknowledgement.set_durable(position_);
        continue;
      }
    } catch (const Incomplete&) {
      stream_lost();
    }
    if (const auto idle = queue.take_idle()) reached = std::max(*idle, sent_);
    const auto next = queue.next_position();
    const bool is_fed = from.has_value() && !feed_->is_ended();
    if (is_fed && (sent_ >= up_to || (next && *next > up_to) || (reached && *reached >= up_to))) {
      // Everything up to there was taken, and everything after it waits in the feed.
      sent_ = std::max(sent_, up_to);
      idle_.reset();
      commit();
      receiver_finish.set();
      receiving.join();
      log::info("mirror_joined", "the mirror has caught up with the target", {{"lsn", position_}});
      return;
    }
    if (queue.is_exhausted()) stream_lost();
    if (reached) idle_ = std::min(*reached, up_to);  // never beyond the target
    commit_if_due(false);
    acknowledgement.set_applied(position_);
    acknowledgement.set_durable(position_);
    if (feed_ != nullptr) {
      acknowledgement.count_step();  // it is the target that is waited for, or the course
      const auto here = std::max(sent_, reached.value_or(sent_));
      const bool is_near = (next && *next > up_to) || up_to.value <= here.value + config_.kafka.queue_bytes;
      if (is_near && feed_->is_ended() && !feed_->is_asked()) feed_->ask();
    }
    if (feed_ != nullptr && next && *next <= up_to) {
      rest(portion);  // further on than the course is
    } else {
      wait(queue.filled(), std::min<std::chrono::milliseconds>(until_due(), 100ms));
    }
  }
}

// Sending

template <typename From>
bool Mirror::take_some(From& from, Lsn up_to) {
  const auto& kafka = config_.kafka;
  BatchLimits limits;
  limits.rows = kafka.transaction_rows - std::min(open_rows_, kafka.transaction_rows - 1);
  limits.bytes = kafka.transaction_bytes - std::min(open_bytes_, kafka.transaction_bytes - 1);
  limits.position = up_to;
  auto pieces = from.take(limits);
  if (pieces.empty()) return false;
  for (auto& piece : pieces) {
    send(piece);
    piece.bytes.reset();
  }
  while (in_transaction_) {
    const bool over = is_over(from);
    if (const auto piece = from.take_next()) {
      send(*piece);
      continue;
    }
    if (over) throw Incomplete{};
    if (stop_.is_set() || (finish_.is_set() && !in_lockstep_)) throw postgres::Interrupted{};
    wait(event_of(from), 1s);
  }
  commit_if_due(false);
  return true;
}

void Mirror::send(const Piece& piece) {
  if (own_stream_ != nullptr) own_stream_->count_step();
  in_transaction_ = !piece.is_last();
  if (piece.transaction.end_lsn <= position_) return;  // it is there already
  if (start_.skips.contains(piece.transaction.final_lsn)) {
    leave_out(piece);
  } else {
    publisher_->take(piece);
    open_rows_ += piece.frame.changes.size();
    open_bytes_ += piece.size;
  }
  if (piece.is_last()) sent_ = piece.transaction.end_lsn;
}

void Mirror::leave_out(const Piece& piece) {
  if (piece.is_first()) left_out_.clear();
  const auto count = [this](const wire::Relation& relation) { ++left_out_[{relation.schema, relation.name}]; };
  for (const auto& change : piece.frame.changes) {
    if (change.kind == wire::RecordKind::truncate) {
      for (const auto* relation : piece.frame.truncates[change.truncate_index]) count(*relation);
    } else {
      count(*change.relation);
    }
  }
  const auto lsn = piece.transaction.final_lsn;
  if (!piece.is_last() || asked_skips_.erase(lsn) == 0) return;  // the others are the target's, which tells of them
  log::warning("skipped", "the mirror has left out a transaction, as a person has asked",
               {{"lsn", lsn}, {"xid", piece.transaction.xid}, {"changes", text_of(left_out_)}});
  publisher_->note(skip_key(config_.pipeline, lsn), std::nullopt);
  publisher_->note(error_key(config_.pipeline), std::nullopt);
  if (feed_ == nullptr) board_.update([](Status& status) { ++status.counters.transactions_skipped; });
}

std::chrono::milliseconds Mirror::until_next() const {
  if (was_full_ || sent_ > position_) return 0ms;
  const auto next = last_commit_ + std::min(config_.kafka.commit_interval, rest_of_brokers);
  return std::max(0ms, std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()));
}

std::chrono::milliseconds Mirror::until_due() const {
  if (sent_ > position_) {
    const auto due = last_commit_ + config_.kafka.commit_interval;
    return std::max(0ms, std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now()));
  }
  return look_interval;
}

void Mirror::commit_if_due(bool now) {
  if (in_transaction_) return;
  publisher_->poll();
  if (sent_ > position_) {
    if (now || is_full() || until_due() == 0ms) commit();
    return;
  }
  if (!idle_ || *idle_ <= position_) return;
  const bool is_far = idle_->value - position_.value >= idle_step_bytes;
  if (!now && !is_far && Clock::now() - last_commit_ < idle_interval) return;
  sent_ = *std::exchange(idle_, std::nullopt);
  commit();
}

bool Mirror::is_full() const {
  return open_rows_ >= config_.kafka.transaction_rows || open_bytes_ >= config_.kafka.transaction_bytes;
}

void Mirror::commit() {
  was_full_ = 2 * open_rows_ >= config_.kafka.transaction_rows || 2 * open_bytes_ >= config_.kafka.transaction_bytes;
  publisher_->commit(sent_);
  position_ = sent_;
  open_rows_ = open_bytes_ = 0;
  last_commit_ = Clock::now();
  board_.update([&](Status& status) {
    auto& mirror = *status.mirror;
    mirror.position = position_;
    mirror.transactions = counters_.transactions;
    mirror.records = counters_.records;
    mirror.bytes = counters_.bytes;
    if (feed_ == nullptr) {
      status.applied_lsn = status.confirmed_lsn = position_;
      status.counters.transactions = counters_.transactions;
    }
  });
  if (!in_lockstep_) return;
  acknowledgement_->set_limit(position_);
  drop_copy_when_passed();
}

}  // namespace walgate::mirror
