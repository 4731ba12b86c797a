#include "mirror/mirror.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

#include "catalog/identifier.hpp"
#include "mirror/copying.hpp"
#include "mirror/kafka_failure.hpp"
#include "mirror/mirror_failure.hpp"
#include "mirror/mirror_settings.hpp"
#include "mirror/patience.hpp"
#include "mirror/progress_notes.hpp"
#include "observe/log.hpp"
#include "stream/receiver.hpp"
#include "stream/source_session.hpp"
#include "sync/either_event.hpp"

namespace walgate::mirror {

namespace {

using namespace std::chrono_literals;

constexpr auto first_pause = 200ms;
constexpr auto longest_pause = 10s;
/// After a commit the brokers still write its markers; whoever comes too early is sent away for 20 ms.
constexpr std::chrono::milliseconds rest_of_brokers{5};
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

}  // namespace

Mirror::Mirror(const Config& config, MirrorStart start, Feed& feed, Acknowledgement& acknowledgement,
               StatusBoard& board, const Event& finish, const Event& stop)
    : Mirror{config, std::move(start), &feed, &acknowledgement, board, finish, stop} {}

Mirror::Mirror(const Config& config, MirrorStart start, StatusBoard& board, const Event& finish, const Event& stop)
    : Mirror{config, std::move(start), nullptr, nullptr, board, finish, stop} {}

Mirror::Mirror(const Config& config, MirrorStart start, Feed* feed, Acknowledgement* acknowledgement,
               StatusBoard& board, const Event& finish, const Event& stop)
    : config_{config},
      start_{std::move(start)},
      feed_{feed},
      acknowledgement_{acknowledgement},
      board_{board},
      finish_{finish},
      stop_{stop},
      slot_{config},
      source_{config, &stop},
      last_commit_{Clock::now() - config.kafka.commit_interval},
      has_copy_{start_.has_copy} {
  board.update([&](Status& status) {
    if (!status.mirror) status.mirror.emplace();
    const auto& before = *status.mirror;
    counters_ = {.transactions = before.transactions, .records = before.records, .bytes = before.bytes};
    if (start_.gap) status.mirror->gap = GapStatus{start_.gap->from, start_.gap->to};
  });
}

void Mirror::run() {
  try {
    attend_again_and_again();
  } catch (const postgres::Interrupted&) {  // asked to leave, wherever it was
  }
  give_up(true);
}

void Mirror::attend_again_and_again() {
  std::chrono::milliseconds delay = first_pause;
  while (!is_leaving()) {
    Failure failure{.name = ErrorName::internal_error, .phase = "mirror"};
    const auto before = position_;
    try {
      attend();
      return;
    } catch (const TooFarBehind&) {
      give_up();
      leave_gap();
      continue;
    } catch (const KafkaError& error) {
      failure = failure_of(error, config_);
      if (learns_record_limit(failure)) failure.recovery = Recovery::retry;
    } catch (const Error& error) {
      failure = error.failure();
      if (failure.phase.empty()) failure.phase = "mirror";
    } catch (const std::exception& error) {
      failure.message = error.what();
    }
    if (failure.name == ErrorName::mirror_fenced && publisher_ && publisher_->was_open_for_long()) {
      failure.name = ErrorName::kafka_unavailable;  // the broker itself has ended a transaction that took too long
      failure.recovery = Recovery::retry;
    }
    const bool final = failure.recovery == Recovery::stop;
    give_up(final || is_leaving());
    if (is_leaving()) return;
    if (position_ > before) delay = first_pause;
    show_failure(failure, final);
    const bool has_let_go = try_to_let_go();
    unrecorded_.reset();
    if (final && failure.lsn) unrecorded_ = failure;
    try_to_record();
    if (!pause(final ? 1000h : delay, final, has_let_go)) return;
    delay = final ? first_pause : std::min<std::chrono::milliseconds>(2 * delay, longest_pause);
  }
}

void Mirror::run_alone() {
  // Whoever reads the topics, as `status` and `skip` do, is not to wait for the end of what was left open.
  struct GiveUp {
    Mirror& mirror;
    ~GiveUp() { mirror.give_up(true); }
  } const give_up_at_the_end{*this};
  for (;;) {
    try {
      return attend_and_end_alone();
    } catch (const KafkaError& error) {
      const auto failure = failure_of(error, config_);
      if (!learns_record_limit(failure)) throw Error{failure};
      log::failure(log::Level::warning, failure);
    }
    give_up();
    if (is_leaving()) return;
  }
}

void Mirror::attend_and_end_alone() {
  attend();
  if (stop_.is_set() || !publisher_) return;
  // So that a slot that is found elsewhere at the next start can be explained.
  const auto slot =
      source_.with_session([this](auto& source) { return stream::find_slot(source, config_.source.slot); });
  if (slot) publisher_->progress().slot_transactions = slot->transactions;
  publisher_->commit(position_);
}

bool Mirror::learns_record_limit(const Failure& failure) {
  const auto limit = publisher_ ? publisher_->least_record_limit() : 0;
  if (failure.name != ErrorName::record_too_large || limit == 0 || (record_limit_ != 0 && limit >= record_limit_)) {
    return false;
  }
  record_limit_ = limit;
  return true;
}

void Mirror::attend() {
  for (;;) {
    try {
      open();
      copy_tables();
      return stream();
    } catch (const CopyWanted& wanted) {
      log::info("mirror_copy_wanted", "the rows of a table have to be sent before its changes",
                {{"relation", wanted.table.display()}});
      const auto published = source_.tables();
      if (!published.tables.contains(wanted.table)) {
        log::warning(text_of(ErrorName::table_left_publication),
                     "changes of a table that left before it was copied are not mirrored",
                     {{"relation", wanted.table.display()}});
        unpublished_.insert(wanted.table);
      }
    } catch (const Again&) {
    }
    give_up(is_leaving());
    if (is_leaving()) return;
  }
}

void Mirror::give_up(bool for_good) {
  in_lockstep_ = false;
  in_transaction_ = false;
  if (publisher_ && for_good) publisher_->give_up();
  publisher_.reset();
  leave_feed();
}

void Mirror::leave_feed() {
  if (feed_ != nullptr) feed_->leave();
}

// Opening

void Mirror::open() {
  publisher_.emplace(config_, start_.source, counters_, finish_, stop_, record_limit_);
  in_transaction_ = false;
  open_rows_ = open_bytes_ = 0;
  idle_.reset();
  // Before anything is done there: the right one may have a mirror of this name.
  if (const MirrorIdentity other{publisher_->cluster(), {}};
      start_.known && start_.known->cluster != other.cluster && !is_wanted_anew(config_, {answer_patience, &finish_})) {
    check_identity(config_, start_.source.system, start_.known, other, std::nullopt);
  }
  const bool is_first = !position_.is_set();  // later the source has gone on
  const auto found = publisher_->open();
  calls_.emplace(config_.kafka.properties, progress_topic(config_), found.next_offset);
  const bool all_wanted = std::ranges::any_of(found.requests, [](const auto& request) { return !request.table; });
  const MirrorIdentity here{publisher_->cluster(), found.position ? found.position->incarnation : draw_incarnation()};
  if (!all_wanted) {
    check_identity(config_, start_.source.system, start_.known, here, found.position);
    if (feed_ != nullptr && is_first && found.position)
      check_history(config_, *found.position, start_.flushed, start_.timeline);
  }
  const auto go_on_at = start_.check ? start_.check(found) : std::nullopt;
  publisher_->begin_with(CopiedTables{found.tables, config_.kafka.copy});
  start_.skips.insert(found.skips.begin(), found.skips.end());
  asked_skips_ = found.skips;
  auto& progress = publisher_->progress();
  progress.timeline = start_.timeline;
  progress.database = start_.database;
  progress.slot_transactions = start_.slot_transactions;
  position_ = sent_ = found.position ? found.position->position : start_.position;
  if (!found.position || found.position->source != start_.source.system) {
    progress.position = position_;
    progress.last_commit = Lsn{};
    progress.incarnation = here.incarnation;
    progress.source = start_.source.system;
    progress.slot = config_.source.slot;
    // What an earlier Kafka held does not matter: all is built again.
    if (start_.known || found.position) {
      go_on_after_gap(position_, go_on_at);
    } else {
      publisher_->commit(position_);
    }
  } else if (has_open_gap() || go_on_at) {
    go_on_after_gap(position_, go_on_at);
  } else if (all_wanted && feed_ != nullptr) {
    let_go();
    const auto fault = source_.with_session([this](auto& source) { return slot_.fault(source, position_); });
    if (fault) go_on_after_gap(position_, std::nullopt);
  }
  if (found.error && (!found.error->lsn || position_ > *found.error->lsn)) {
    publisher_->note(error_key(config_.pipeline), std::nullopt);
  }
  take_requests(found);
  if (!start_.known || start_.known->cluster != here.cluster || start_.known->incarnation != here.incarnation) {
    if (start_.remember) start_.remember(here);
    start_.known = here;
  }
  if (const auto& gap = publisher_->progress().gap; gap != start_.gap) {
    if (start_.remember_gap) start_.remember_gap(gap);
    start_.gap = gap;
  }
  board_.update([&](Status& status) {
    status.mirror->gap.reset();
    if (start_.gap) status.mirror->gap = GapStatus{start_.gap->from, start_.gap->to};
  });
}

void Mirror::take_requests(const ProgressRecords& found) {
  if (found.requests.empty()) return;
  const auto published = source_.tables();
  const auto ask = [&](const QualifiedName& table) {
    const auto* known = publisher_->tables().find(table);
    auto entry = known == nullptr ? CopiedTable{} : *known;
    entry.again = true;
    publisher_->set_table(table, entry);
  };
  for (const auto& request : found.requests) {
    publisher_->note(request_key(config_.pipeline, request), std::nullopt);
    log::info("mirror_republish", "a person wants topics to be built again from their tables",
              {{"relation", request.table ? request.table->display() : "all"}});
    for (const auto& [table, entry] : published.tables) {
      if (!request.table || *request.table == table) ask(table);
    }
    if (request.table && !published.tables.contains(*request.table)) {
      log::warning(text_of(ErrorName::republish_refused), "the table is not published, or has no topic",
                   {{"relation", request.table->display()}});
    }
  }
  publisher_->commit(position_);
}

// Copying

std::vector<QualifiedName> Mirror::wanted_tables(const PublishedTables& published) const {
  auto wanted = publisher_->tables().wanted(published);
  std::erase_if(wanted, [&](const QualifiedName& table) {
    const auto found = uncopyable_.find(table);
    return found != uncopyable_.end() && found->second == ids_of(published.at(table));
  });
  return wanted;
}

void Mirror::copy_tables() {
  auto published = source_.tables();
  for (auto wanted = wanted_tables(published.tables); !wanted.empty(); wanted = wanted_tables(published.tables)) {
    if (feed_ != nullptr) {
      let_go();
      check_copy();
    }
    show(MirrorState::copying);
    const EitherEvent leave{finish_, stop_};
    Copying copying{
        config_, start_.source, *publisher_, leave.event(), start_.awaited, [this](const CopyingProgress& progress) {
          board_.update([&](Status& status) {
            status.mirror->copy->rows = progress.rows;
            status.mirror->copy->rows_estimated = progress.estimated;
            status.mirror->records = counters_.records;
            status.mirror->bytes = counters_.bytes;
          });
          if (Clock::now() < next_look_) return;
          next_look_ = Clock::now() + look_interval;
          look_at_slot(true);
        }};
    for (const auto& table : wanted) {
      board_.update([&](Status& status) { status.mirror->copy = MirrorCopyStatus{.relation = table.display()}; });
      if (!copying.copy(table, published.tables.at(table), position_)) {
        uncopyable_[table] = ids_of(published.tables.at(table));
      }
      unpublished_.erase(table);
    }
    published = source_.tables();
  }
  board_.update([](Status& status) { status.mirror->copy.reset(); });
  end_gap_when_filled(published.tables);
}

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
    give_up(is_leaving());
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
  }
  show(feed_ != nullptr ? MirrorState::behind : MirrorState::streaming);
  const auto& slot = feed_ != nullptr ? slot_.name() : config_.source.slot;
  wait_until_free(slot);
  Event receiver_finish;
  PieceQueue queue{config_.kafka.queue_bytes};
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
    const bool is_near = !next || *next > up_to;
    if (feed_ != nullptr && is_near) {
      acknowledgement.count_step();  // it is the target that is waited for
      if (feed_->is_ended() && !feed_->is_asked()) feed_->ask();
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

// What is seen of it

void Mirror::show(MirrorState state) {
  board_.update([&](Status& status) {
    auto& mirror = *status.mirror;
    if (mirror.state != state) mirror.since = std::chrono::system_clock::now();
    mirror.state = state;
    mirror.position = position_;
    mirror.error.reset();
    if (state != MirrorState::copying) mirror.copy.reset();
    if (feed_ != nullptr) return;
    status.applied_lsn = status.received_lsn = status.confirmed_lsn = position_;
    status.state = state == MirrorState::copying ? ServiceState::copying : ServiceState::streaming;
    status.reason.reset();
    status.next_step.reset();
    status.error.reset();
  });
}

void Mirror::show_failure(const Failure& failure, bool final) {
  log::failure(final ? log::Level::error : log::Level::warning, failure);
  board_.update([&](Status& status) {
    auto& mirror = *status.mirror;
    const auto state = final ? MirrorState::stopped : MirrorState::retrying;
    if (mirror.state != state) mirror.since = std::chrono::system_clock::now();
    mirror.state = state;
    mirror.error = failure;
    mirror.copy.reset();
  });
}

void Mirror::try_to_record() {
  if (!unrecorded_) return;
  try {
    write_error(config_, *unrecorded_, &finish_);
    unrecorded_.reset();
  } catch (const std::exception& error) {  // tried again
    log::debug("error_not_recorded", error.what());
  }
}

// Waiting

void Mirror::wait(Event& event, std::chrono::milliseconds timeout) {
  auto descriptors = std::to_array<pollfd>({{event.descriptor(), POLLIN, 0},
                                            {stop_.descriptor(), POLLIN, 0},
                                            {finish_.is_set() ? -1 : finish_.descriptor(), POLLIN, 0}});
  wait_for(descriptors, timeout);
  event.clear();
}

bool Mirror::pause(std::chrono::milliseconds timeout, bool final, bool has_let_go) {
  const auto end = Clock::now() + timeout;
  auto next_try = Clock::now() + longest_pause;
  while (Clock::now() < end) {
    auto descriptors = std::to_array<pollfd>({{finish_.descriptor(), POLLIN, 0}, {stop_.descriptor(), POLLIN, 0}});
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    if (wait_for(descriptors, std::min<std::chrono::milliseconds>(left, look_interval))) return false;
    if (final && is_called()) return true;
    if (Clock::now() >= next_try) {
      next_try = Clock::now() + longest_pause;
      has_let_go = has_let_go || try_to_let_go();
      try_to_record();
    }
    try {
      look_at_slot(true);
    } catch (const TooFarBehind&) {
      leave_gap();
    } catch (const Error& error) {
      log::debug("mirror_look_left_out", error.failure().message);
    }
  }
  return true;
}

}  // namespace walgate::mirror
