#include "mirror/mirror.hpp"

#include <algorithm>
#include <array>

#include "mirror/copying.hpp"
#include "mirror/kafka_failure.hpp"
#include "mirror/mirror_failure.hpp"
#include "mirror/mirror_settings.hpp"
#include "mirror/patience.hpp"
#include "mirror/progress_notes.hpp"
#include "observe/log.hpp"
#include "stream/source_session.hpp"
#include "sync/either_event.hpp"

namespace walgate::mirror {

namespace {

using namespace std::chrono_literals;

constexpr auto first_pause = 200ms;
constexpr auto longest_pause = 10s;

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
  give_up();
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
      failure = failure_in_kafka(error);
      if (learns_record_limit(failure)) failure.recovery = Recovery::retry;
    } catch (const Error& error) {
      failure = error.failure();
      if (failure.phase.empty()) failure.phase = "mirror";
    } catch (const std::exception& error) {
      failure.message = error.what();
    }
    const bool final = failure.recovery == Recovery::stop;
    give_up();
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
    ~GiveUp() { mirror.give_up(); }
  } const give_up_at_the_end{*this};
  for (;;) {
    try {
      return attend_and_end_alone();
    } catch (const KafkaError& error) {
      const auto failure = failure_in_kafka(error);
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

Failure Mirror::failure_in_kafka(const KafkaError& error) const {
  auto failure = failure_of(error, config_);
  if (failure.name == ErrorName::mirror_fenced && publisher_ && publisher_->was_open_for_long()) {
    failure.name = ErrorName::kafka_unavailable;  // the broker itself has ended a transaction that took too long
    failure.recovery = Recovery::retry;
  }
  return failure;
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
    give_up();
    if (is_leaving()) return;
  }
}

void Mirror::give_up() {
  in_lockstep_ = false;
  in_transaction_ = false;
  if (publisher_) publisher_->give_up();
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

bool Mirror::rest(std::chrono::milliseconds timeout) {
  auto descriptors = std::to_array<pollfd>({{finish_.descriptor(), POLLIN, 0}, {stop_.descriptor(), POLLIN, 0}});
  return wait_for(descriptors, timeout);
}

bool Mirror::pause(std::chrono::milliseconds timeout, bool final, bool has_let_go) {
  const auto end = Clock::now() + timeout;
  auto next_try = Clock::now() + longest_pause;
  while (Clock::now() < end) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    if (rest(std::min<std::chrono::milliseconds>(left, look_interval))) return false;
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
