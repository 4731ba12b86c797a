#include "mirror/mirror.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

#include "catalog/identifier.hpp"
#include "mirror/kafka_failure.hpp"
#include "mirror/mirror_settings.hpp"
#include "observe/log.hpp"
#include "stream/receiver.hpp"
#include "stream/source_session.hpp"

namespace walgate::mirror {

namespace {

using namespace std::chrono_literals;

constexpr auto first_pause = 200ms;
constexpr auto longest_pause = 10s;
/// An idle position is written this often at most, unless it is far ahead; as the target's is.
constexpr auto idle_interval = 10s;
constexpr std::uint64_t idle_step_bytes = 16UL * 1024 * 1024;

/// The rest of a transaction whose beginning was sent does not come any more.
struct Incomplete {};

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

}  // namespace

Mirror::Mirror(const Config& config, MirrorStart start, Feed& feed, Acknowledgement& acknowledgement,
               StatusBoard& board, const Event& finish, const Event& stop)
    : config_{config},
      start_{std::move(start)},
      feed_{feed},
      acknowledgement_{acknowledgement},
      board_{board},
      finish_{finish},
      stop_{stop},
      last_commit_{Clock::now() - config.kafka.commit_interval},
      has_copy_{start_.has_copy} {
  if (const auto before = board.snapshot().mirror) {
    counters_ = {.transactions = before->transactions, .records = before->records, .bytes = before->bytes};
  }
}

void Mirror::run() {
  std::chrono::milliseconds delay = first_pause;
  while (!is_leaving()) {
    Failure failure{.name = ErrorName::internal_error, .phase = "mirror"};
    const auto before = position_;
    try {
      open();
      stream();
      return;
    } catch (const postgres::Interrupted&) {
      return;
    } catch (const KafkaError& error) {
      failure = failure_of(error, config_);
      // A broker names no record; once more, and each is measured.
      const auto limit = publisher_ ? publisher_->least_record_limit() : 0;
      if (failure.name == ErrorName::record_too_large && limit != 0 && (record_limit_ == 0 || limit < record_limit_)) {
        record_limit_ = limit;
        failure.recovery = Recovery::retry;
      }
    } catch (const Error& error) {
      failure = error.failure();
      if (failure.phase.empty()) failure.phase = "mirror";
    } catch (const std::exception& error) {
      failure.message = error.what();
    }
    in_lockstep_ = false;
    own_stream_ = nullptr;
    if (failure.name == ErrorName::mirror_fenced && publisher_ && publisher_->was_open_for_long()) {
      failure.name = ErrorName::kafka_unavailable;  // the broker itself has ended a transaction that took too long
      failure.recovery = Recovery::retry;
    }
    const bool final = failure.recovery == Recovery::stop;
    if (publisher_ && (final || is_leaving())) publisher_->give_up();
    publisher_.reset();
    feed_.leave();
    if (is_leaving()) return;
    if (position_ > before) delay = first_pause;
    show_failure(failure, final);
    bool has_let_go = try_to_let_go();
    if (final) {
      while (pause(has_let_go ? 1h : longest_pause)) has_let_go = has_let_go || try_to_let_go();
      return;
    }
    if (!pause(delay)) return;
    delay = std::min<std::chrono::milliseconds>(2 * delay, longest_pause);
  }
}

// Opening

void Mirror::open() {
  publisher_.emplace(config_, start_.source, counters_, finish_, stop_, record_limit_);
  in_transaction_ = false;
  open_rows_ = open_bytes_ = 0;
  idle_.reset();
  // Before anything is done there: the right one may have a mirror of this name.
  if (const auto& cluster = publisher_->cluster(); start_.known && start_.known->cluster != cluster) {
    throw Error{{.name = ErrorName::mirror_progress_lost,
                 .message = fmt::format("this is another Kafka cluster ({}) than the one the pipeline was mirrored "
                                        "into ({})",
                                        cluster, start_.known->cluster),
                 .phase = "mirror"}};
  }
  const auto found = publisher_->open();
  const MirrorIdentity here{publisher_->cluster(), found ? found->incarnation : draw_incarnation()};
  if (start_.known && (!found || found->incarnation != start_.known->incarnation)) {
    throw Error{{.name = ErrorName::mirror_progress_lost,
                 .message = fmt::format("topic \"{}\" does not know the pipeline any more: it was emptied, deleted or "
                                        "restored",
                                        progress_topic(config_)),
                 .phase = "mirror"}};
  }
  const bool is_first = !position_.is_set();  // later the source has gone on
  if (found && is_first &&
      (found->position > start_.flushed || (found->timeline != 0 && found->timeline != start_.timeline))) {
    throw Error{{.name = ErrorName::mirror_progress_lost,
                 .message = fmt::format("topic \"{}\" is at {} of timeline {}, which this source has not written",
                                        progress_topic(config_), found->position.text(), found->timeline),
                 .detail = fmt::format("the source is at {} of timeline {}", start_.flushed.text(), start_.timeline),
                 .phase = "mirror"}};
  }
  if (found && found->source != start_.source.system) {
    throw Error{{.name = ErrorName::mirror_progress_lost,
                 .message = fmt::format("topic \"{}\" has the position of a pipeline with another source",
                                        progress_topic(config_)),
                 .remedy = "give one of the two pipelines another name, or delete the topic of the one that is gone",
                 .phase = "mirror"}};
  }
  if (found) {
    position_ = sent_ = found->position;
  } else {
    position_ = sent_ = start_.position;
    publisher_->begin_with({.position = position_,
                            .last_commit = {},
                            .incarnation = here.incarnation,
                            .source = start_.source.system,
                            .timeline = start_.timeline,
                            .slot = config_.source.slot});
    publisher_->commit(position_);
  }
  if (!start_.known) {
    start_.remember(here);
    start_.known = here;
  }
}

// Streaming

void Mirror::stream() {
  while (!is_leaving()) {
    const auto from = feed_.fed_from();
    if (from && *from <= position_ && !feed_.is_ended()) {
      follow_in_lockstep();
    } else {
      catch_up();
    }
    publisher_->forget_relations();
  }
}

void Mirror::follow_in_lockstep() {
  in_lockstep_ = true;
  acknowledgement_.set_limit(position_);
  // What the source was told to forget before is in the copy alone.
  if (has_copy_) copy_until_ = acknowledgement_.durable();
  show(MirrorState::streaming);
  for (;;) {
    const bool over = feed_.is_ended();
    try {
      if (take_some(feed_, Lsn{UINT64_MAX})) continue;
    } catch (const Incomplete&) {
      break;
    }
    if (over) break;
    if (const auto idle = feed_.take_idle()) idle_ = std::max(*idle, sent_);
    commit_if_due(false);
    if (stop_.is_set()) return;
    wait(feed_.changed(), until_due());
  }
  in_lockstep_ = !in_transaction_;
  // The feed was full, or the applier has ended.  What is whole is sent; a part of a transaction is given up.
  if (in_transaction_) {
    if (is_leaving()) publisher_->give_up();
    publisher_.reset();
    feed_.leave();
    if (is_leaving()) throw postgres::Interrupted{};
    let_go();
    return open();
  }
  commit_if_due(true);
  in_lockstep_ = false;
  feed_.leave();
}

void Mirror::catch_up() {
  let_go();
  {
    auto source = open_source();
    check_copy(source);
  }
  log::info("mirror_behind", "the mirror is behind the target; it reads on from a slot of its own",
            {{"slot", mirror_slot(config_)}, {"lsn", position_}, {"target_lsn", acknowledgement_.applied()}});
  show(MirrorState::behind);
  Event receiver_finish;
  PieceQueue queue{config_.kafka.queue_bytes};
  Acknowledgement acknowledgement{position_};
  StatusBoard unseen;
  auto replication = stream::open_replication(config_, &stop_);
  replication.set_phase("mirror");
  // Under the pipeline's own name commits of the source might wait for Kafka (synchronous_standby_names).
  replication.exec(fmt::format("SET application_name = {}", quote_literal("walgate mirror " + config_.pipeline)));
  if (PQsetClientEncoding(replication.handle(), start_.source.encoding.c_str()) != 0) replication.throw_lost();
  const auto command =
      wire::Encoding{start_.source.encoding}.from_utf8(stream::start_command(config_, mirror_slot(config_), position_));
  stream::Receiver receiver{postgres::ReplicationStream{std::move(replication), command},
                            position_,
                            queue,
                            acknowledgement,
                            unseen,
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

  feed_.leave();
  std::optional<Lsn> reached;  // everything before it has been put
  for (;;) {
    if (is_leaving()) {
      commit_if_due(true);
      return;
    }
    const auto from = feed_.fed_from();
    const auto up_to = from.value_or(acknowledgement_.applied());
    try {
      if (take_some(queue, up_to)) {
        acknowledgement.set_applied(sent_);
        acknowledgement.set_durable(position_);
        continue;
      }
    } catch (const Incomplete&) {
      stream_lost();
    }
    if (const auto idle = queue.take_idle()) reached = std::max(*idle, sent_);
    const auto next = queue.next_position();
    if (from && !feed_.is_ended() && (sent_ >= *from || (next && *next > *from) || (reached && *reached >= *from))) {
      // Everything up to there was taken, and everything after it waits in the feed.
      sent_ = std::max(sent_, *from);
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
    acknowledgement.set_durable(position_);
    const bool is_near = !next || *next > up_to;
    if (is_near) {
      acknowledgement.count_step();  // it is the target that is waited for
      if (feed_.is_ended() && !feed_.is_asked()) feed_.ask();
    }
    wait(queue.filled(), std::min<std::chrono::milliseconds>(until_due(), 100ms));
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
  if (!start_.skips.contains(piece.transaction.final_lsn)) {
    publisher_->take(piece);
    open_rows_ += piece.frame.changes.size();
    open_bytes_ += piece.size;
  }
  if (piece.is_last()) sent_ = piece.transaction.end_lsn;
}

std::chrono::milliseconds Mirror::until_due() const {
  if (sent_ > position_) {
    const auto due = last_commit_ + config_.kafka.commit_interval;
    return std::max(0ms, std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now()));
  }
  return 1s;
}

void Mirror::commit_if_due(bool now) {
  if (in_transaction_) return;
  publisher_->poll();
  const auto& kafka = config_.kafka;
  const bool is_full = open_rows_ >= kafka.transaction_rows || open_bytes_ >= kafka.transaction_bytes;
  if (sent_ > position_) {
    if (now || is_full || until_due() == 0ms) commit();
    return;
  }
  if (!idle_ || *idle_ <= position_) return;
  const bool is_far = idle_->value - position_.value >= idle_step_bytes;
  if (!now && !is_far && Clock::now() - last_commit_ < idle_interval) return;
  sent_ = *std::exchange(idle_, std::nullopt);
  commit();
}

void Mirror::commit() {
  publisher_->commit(sent_);
  position_ = sent_;
  open_rows_ = open_bytes_ = 0;
  last_commit_ = Clock::now();
  board_.update([&](Status& status) {
    if (!status.mirror) status.mirror.emplace();
    auto& mirror = *status.mirror;
    mirror.position = position_;
    mirror.transactions = counters_.transactions;
    mirror.records = counters_.records;
    mirror.bytes = counters_.bytes;
  });
  if (!in_lockstep_) return;
  acknowledgement_.set_limit(position_);
  drop_copy_when_passed();
}

// The slot's copy

postgres::Connection Mirror::open_source() const {
  auto source = stream::open_monitor(config_, &stop_);
  source.set_phase("mirror");
  return source;
}

void Mirror::let_go() {
  const auto name = mirror_slot(config_);
  auto source = open_source();
  if (!stream::find_slot(source, name)) {
    source.exec(fmt::format("SELECT pg_catalog.pg_copy_logical_replication_slot({}, {})",
                            quote_literal(config_.source.slot), quote_literal(name)));
    log::info("mirror_slot_made", "the mirror has a slot of its own, a copy of the pipeline's", {{"slot", name}});
  }
  has_copy_ = true;
  copy_until_.reset();
  acknowledgement_.set_limit(std::nullopt);
}

void Mirror::check_copy(postgres::Connection& source) const {
  const auto name = mirror_slot(config_);
  const auto slot = stream::find_slot(source, name);
  if (slot && slot->wal_status != "lost" && slot->confirmed_flush <= position_) return;
  throw Error{
      {.name = ErrorName::mirror_gap,
       .message =
           fmt::format("slot \"{}\" does not hold the WAL after {}, where the mirror stands", name, position_.text()),
       .detail = !slot                        ? std::string{"the slot is gone"}
                 : slot->wal_status == "lost" ? std::string{"the source has removed WAL that the slot needs"}
                                              : fmt::format("the slot stands at {}", slot->confirmed_flush.text()),
       .phase = "mirror"}};
}

void Mirror::drop_copy_when_passed() {
  if (!copy_until_ || position_ < *copy_until_ || Clock::now() < next_drop_) return;
  next_drop_ = Clock::now() + 1s;
  const auto name = mirror_slot(config_);
  try {
    auto source = open_source();
    if (const auto slot = stream::find_slot(source, name)) {
      if (slot->active_pid) return;  // our own walsender is still leaving
      source.exec(fmt::format("SELECT pg_catalog.pg_drop_replication_slot({})", quote_literal(name)));
      log::info("mirror_slot_dropped", "the mirror follows the target, and needs no slot of its own", {{"slot", name}});
    }
  } catch (const Error& error) {  // later
    log::debug("mirror_slot_not_dropped", error.failure().message, {{"slot", name}});
    return;
  }
  has_copy_ = false;
  copy_until_.reset();
}

bool Mirror::try_to_let_go() {
  try {
    let_go();
    return true;
  } catch (const postgres::Interrupted&) {
  } catch (const Error& error) {  // the slot still keeps everything for us
    log::failure(log::Level::warning, error.failure());
  }
  return false;
}

// What is seen of it

void Mirror::show(MirrorState state) {
  board_.update([&](Status& status) {
    if (!status.mirror) status.mirror.emplace();
    auto& mirror = *status.mirror;
    if (mirror.state != state) mirror.since = std::chrono::system_clock::now();
    mirror.state = state;
    mirror.position = position_;
    mirror.error.reset();
  });
}

void Mirror::show_failure(const Failure& failure, bool final) {
  log::failure(final ? log::Level::error : log::Level::warning, failure);
  board_.update([&](Status& status) {
    if (!status.mirror) status.mirror.emplace();
    auto& mirror = *status.mirror;
    const auto state = final ? MirrorState::stopped : MirrorState::retrying;
    if (mirror.state != state) mirror.since = std::chrono::system_clock::now();
    mirror.state = state;
    mirror.error = failure;
  });
}

// Waiting

void Mirror::wait(Event& event, std::chrono::milliseconds timeout) {
  auto descriptors = std::to_array<pollfd>({{event.descriptor(), POLLIN, 0},
                                            {stop_.descriptor(), POLLIN, 0},
                                            {finish_.is_set() ? -1 : finish_.descriptor(), POLLIN, 0}});
  wait_for(descriptors, timeout);
  event.clear();
}

bool Mirror::pause(std::chrono::milliseconds timeout) {
  auto descriptors = std::to_array<pollfd>({{finish_.descriptor(), POLLIN, 0}, {stop_.descriptor(), POLLIN, 0}});
  return !wait_for(descriptors, timeout);
}

}  // namespace walgate::mirror
