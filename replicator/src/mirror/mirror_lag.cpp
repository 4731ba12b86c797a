// mirror_lag.cpp - the part of the mirror that is about being behind: the slot's copy, gaps, and what it looks at now
// and then while it reads or is fed.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "mirror/mirror.hpp"
#include "mirror/mirror_settings.hpp"
#include "observe/log.hpp"
#include "stream/source_session.hpp"

namespace walgate::mirror {

namespace {

using namespace std::chrono_literals;

constexpr auto tables_interval = 2s;

}  // namespace

// The slot's copy

void Mirror::let_go() {
  if (feed_ == nullptr) return;
  if (has_open_gap()) {
    has_copy_ = !source_.with_session([this](auto& source) { return slot_.drop(source); });
  } else {
    source_.with_session([this](auto& source) { slot_.make(source); });
    has_copy_ = true;
  }
  copy_until_.reset();
  acknowledgement_->set_limit(std::nullopt);
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

void Mirror::check_copy() {
  const auto fault = source_.with_session([this](auto& source) { return slot_.fault(source, position_); });
  if (!fault) return;
  throw Error{{.name = ErrorName::mirror_gap,
               .message = fmt::format("slot \"{}\" does not hold the WAL after {}, where the mirror stands",
                                      slot_.name(), position_.text()),
               .detail = *fault,
               .phase = "mirror"}};
}

void Mirror::drop_copy_when_passed() {
  if (!copy_until_ || position_ < *copy_until_ || Clock::now() < next_drop_) return;
  next_drop_ = Clock::now() + 1s;
  try {
    // Our own walsender may still be leaving.
    if (!source_.with_session([this](auto& source) { return slot_.drop(source); })) return;
  } catch (const Error& error) {  // the feed goes on all the same
    log::debug("mirror_slot_not_dropped", error.failure().message);
    return;
  }
  log::info("mirror_slot_dropped", "the mirror follows the target, and needs no slot of its own",
            {{"slot", slot_.name()}});
  has_copy_ = false;
  copy_until_.reset();
  board_.update([](Status& status) { status.mirror->retained_wal_bytes.reset(); });
}

void Mirror::wait_until_free(const std::string& slot) {
  for (int tries = 0; tries < 50; ++tries) {
    const auto found = source_.with_session([&](auto& source) { return stream::find_slot(source, slot); });
    if (!found || !found->active_pid) return;
    if (rest(50ms)) throw postgres::Interrupted{};
  }
}

// Gaps

void Mirror::leave_gap() {
  MirrorGap gap{.from = position_, .to = {}};
  try {
    source_.with_session([&](postgres::Connection& source) {
      if (!gap.from.is_set()) gap.from = slot_.confirmed(source).value_or(Lsn{});
      if (start_.gap) gap.from = std::min(gap.from, start_.gap->from);
      start_.remember_gap(gap);  // first: a slot that is gone for no known reason would stop the mirror
      start_.gap = gap;
      has_copy_ = !slot_.drop(source);
    });
  } catch (
      const Error& error) {  // tried again: the slot is still too far behind, or the gap is known and it goes later
    log::failure(log::Level::warning, error.failure());
    return;
  }
  copy_until_.reset();
  acknowledgement_->set_limit(std::nullopt);
  log::warning("mirror_gap_left", "the mirror's own slot kept more than kafka.max_lag_bytes and was dropped",
               {{"from", gap.from}});
  board_.update([&](Status& status) {
    status.mirror->gap = GapStatus{gap.from, gap.to};
    status.mirror->retained_wal_bytes.reset();
  });
}

void Mirror::go_on_after_gap(Lsn from, std::optional<Lsn> position) {
  auto& progress = publisher_->progress();
  if (feed_ != nullptr) {
    for (int tries = 0; !source_.with_session([this](auto& source) { return slot_.drop(source); }); ++tries) {
      if (tries == 50) {
        throw Error{{.name = ErrorName::connection_lost,
                     .recovery = Recovery::retry,
                     .message = fmt::format("slot \"{}\" is still read by somebody", slot_.name()),
                     .phase = "mirror"}};
      }
      auto descriptors = std::to_array<pollfd>({{stop_.descriptor(), POLLIN, 0}});
      if (wait_for(descriptors, 100ms)) throw postgres::Interrupted{};
    }
    has_copy_ = false;
    copy_until_.reset();
    acknowledgement_->set_limit(acknowledgement_->durable());
    // What was confirmed before there was a limit is not beyond this; from here on the slot holds everything after it.
    position = acknowledgement_->durable();
    acknowledgement_->set_limit(position);
  }
  position_ = sent_ = position.value_or(from);
  const auto lacking_from = progress.gap ? std::min(progress.gap->from, from) : from;
  if (lacking_from < position_) progress.gap = MirrorGap{lacking_from, position_};
  progress.last_commit = Lsn{};
  publisher_->commit(position_);
  log::warning("mirror_gap", "the topics lack changes of the source until their tables are published again",
               {{"from", lacking_from}, {"to", position_}, {"remedy", entry_of(ErrorName::mirror_gap).remedy}});
}

void Mirror::end_gap_when_filled(const PublishedTables& published) {
  auto& gap = publisher_->progress().gap;
  if (!gap || !publisher_->tables().is_filled(*gap, published)) return;
  log::info("mirror_gap_filled", "every table was published again since the gap",
            {{"from", gap->from}, {"to", gap->to}});
  gap.reset();
  publisher_->commit(position_);
  if (start_.remember_gap) start_.remember_gap(std::nullopt);
  start_.gap.reset();
  board_.update([](Status& status) { status.mirror->gap.reset(); });
}

// Looking around

void Mirror::look(bool is_behind) {
  if (in_transaction_ || Clock::now() < next_look_) return;
  next_look_ = Clock::now() + look_interval;
  if (is_called()) {
    commit_if_due(true);
    throw Again{};
  }
  try {
    look_at_tables();
    look_at_slot(is_behind);
  } catch (const Error& error) {  // what is read or fed tells soon enough
    log::debug("mirror_look_left_out", error.failure().message);
    next_look_ = next_tables_ = Clock::now() + 5s;
  }
}

bool Mirror::is_called() {
  bool called = false;
  if (!calls_) return called;
  calls_->take([&](const ReadRecord& record) {
    ProgressRecords records;
    if (!record.key.starts_with('{') || !record.has_value) return;
    if (record.key == progress_key(config_.pipeline)) return;
    take_record(config_.pipeline, record.key, record.value, records);
    called = called || !records.requests.empty() || !records.skips.empty();
  });
  return called;
}

void Mirror::look_at_tables() {
  if (Clock::now() < next_tables_) return;
  next_tables_ = Clock::now() + tables_interval;
  const auto published = source_.tables();
  if (!wanted_tables(published.tables).empty()) {
    commit_if_due(true);
    throw Again{};
  }
  std::erase_if(left_, [&](const auto& table) { return published.tables.contains(table.first); });
  for (const auto& table : publisher_->tables().left(published.tables)) {
    const auto seen = left_.emplace(table, published.until).first->second;
    if (position_ < seen) continue;  // changes from before may still come
    publisher_->forget_table(table);
    left_.erase(table);
    log::info("mirror_table_left", "a table has left the publications; coming back it is copied again",
              {{"relation", table.display()}});
  }
}

void Mirror::look_at_slot(bool is_behind) {
  if (feed_ == nullptr) {
    const auto retained = source_.retained(config_.source.slot);
    board_.update([&](Status& status) {
      status.source_lsn = retained.source;
      status.lag.bytes = retained.source.value - std::min(retained.source.value, status.applied_lsn.value);
      status.retained_wal_bytes = retained.bytes;
    });
    return;
  }
  if (!has_copy_) return;
  const auto wal = source_.retained(slot_.name());
  const auto retained = wal.bytes.value_or(0);
  const auto limit = config_.kafka.max_lag_bytes;
  board_.update([&](Status& status) { status.mirror->retained_wal_bytes = wal.bytes; });
  const auto room = limit == 0 ? wal.room : std::min(wal.room, limit - std::min(limit, retained));
  if (retained > room) {
    course_.abandon();  // what is not read soon may be gone
  } else if (own_stream_ != nullptr) {
    course_.see(wal.source, sent_, Clock::now());
  }
  if (!is_behind || limit == 0 || retained <= limit) {
    has_warned_ = false;
    return;
  }
  if (config_.kafka.at_max_lag == AtMaxLag::gap) throw TooFarBehind{};
  if (std::exchange(has_warned_, true)) return;
  log::warning("mirror_lag", "the mirror's own slot keeps more WAL on the source than kafka.max_lag_bytes",
               {{"slot", slot_.name()}, {"retained_bytes", retained}, {"limit_bytes", limit}});
}

}  // namespace walgate::mirror
