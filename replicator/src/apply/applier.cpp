#include "apply/applier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <ranges>
#include <utility>

#include "apply/known_tables.hpp"
#include "apply/target_result.hpp"
#include "apply/truncation.hpp"
#include "observe/log.hpp"

namespace walgate::apply {

namespace {

using namespace std::chrono_literals;

/// How often an idle position is persisted at most; the slot follows in these steps.
constexpr auto idle_interval = 10s;
/// An idle position that is this far ahead is persisted at once.
constexpr std::uint64_t idle_step_bytes = 16 * 1024 * 1024;
/// The same where commits of the source wait for us, also those that bring nothing for us.
constexpr auto awaited_interval = 10ms;
/// How often we ask whether asynchronous commits have become durable (wal_writer_delay is 200 ms).
constexpr auto durable_poll_interval = 50ms;
/// After a refusal a table is written in order for this many batches, for four times as many when it happens again
/// soon.
constexpr std::uint64_t shortest_penalty = 4;
constexpr std::uint64_t longest_penalty = 4096;

std::chrono::system_clock::time_point time_of(std::int64_t postgres_microseconds) {
  constexpr std::int64_t postgres_epoch = 946'684'800'000'000;
  return std::chrono::system_clock::time_point{std::chrono::microseconds{postgres_microseconds + postgres_epoch}};
}

void add(Counters& total, const Counters& more) {
  total.transactions += more.transactions;
  total.inserts += more.inserts;
  total.updates += more.updates;
  total.deletes += more.deletes;
  total.truncates += more.truncates;
  total.missing_rows_skipped += more.missing_rows_skipped;
  total.cascaded_deletes += more.cascaded_deletes;
  total.duplicates_skipped += more.duplicates_skipped;
  total.transactions_skipped += more.transactions_skipped;
}

}  // namespace

Applier::Applier(postgres::Connection target, TableSet tables, const Config& config, const ApplierStart& start,
                 const Seam& seam, PieceQueue& queue, Acknowledgement& acknowledgement, StatusBoard& board,
                 History& history, const Event& finish)
    : config_{config},
      seam_{seam},
      queue_{queue},
      acknowledgement_{acknowledgement},
      board_{board},
      history_{history},
      finish_{finish},
      tables_{std::move(tables)},
      gates_{config, start.migrations, seam, tables_, history},
      replica_role_{start.replica_role},
      same_cluster_{start.same_cluster},
      awaited_{start.awaited},
      feed_{start.feed},
      epoch_{start.claim.epoch},
      skips_{start.skips},
      standing_error_{start.standing_error},
      position_{start.claim.position},
      last_commit_{std::chrono::steady_clock::now()},
      last_poll_{last_commit_},
      at_once_{start.commit_mode != CommitMode::off},
      durability_{at_once_},
      check_{start.replica_role},
      target_{std::move(target), wire::Encoding{start.encoding},
              [this](const Ticket& ticket, const PGresult* result) { on_result(ticket, result); },
              [this] { acknowledgement_.count_step(); }},
      images_{target_},
      rows_{target_, start.replica_role},
      sets_{target_, rows_} {
  target_.connection().set_phase("apply");
}

// The loop

void Applier::run() {
  auto& connection = target_.connection();
  if (feed_ != nullptr) feed_->stands_at(position_);
  while (!finish_.is_set()) {
    // A suspect is applied alone, so that everything before it is committed when it fails again.
    const bool alone = position_ <= std::max({history_.suspect, history_.held, history_.becoming.lsn});
    BatchLimits limits{config_.limits.batch_rows, config_.limits.batch_bytes};
    if (alone) limits.transactions = 1;
    auto pieces = queue_.take(limits);
    if (!pieces.empty()) {
      idle_.reset();
      if (pieces.front().transaction.final_lsn == history_.held && !skips_.contains(history_.held)) {
        survey(std::move(pieces));
      }
      try {
        apply_batch(std::move(pieces), alone);
      } catch (const HeldAt& held) {
        read_before_leaving();  // it may be about to write what is looked at
        tables_.look_again(position_, epoch_);
        throw;
      }
      continue;
    }
    finish_batch();
    if (queue_.is_exhausted()) break;
    if (const auto idle = queue_.take_idle(); idle && *idle > position_) {
      idle_ = idle;
      board_.update([&](Status& status) { status.applied_lsn = *idle; });
    }
    poll_durable();
    persist_idle();
    if (feed_ != nullptr && committing_.empty()) {  // what is on its way to the target has not been put yet
      feed_->stands_at(position_);
      if (idle_) feed_->put_idle(*idle_);
    }
    auto descriptors = std::to_array<pollfd>({{queue_.filled().descriptor(), POLLIN, 0},
                                              {finish_.descriptor(), POLLIN, 0},
                                              {connection.stop()->descriptor(), POLLIN, 0},
                                              {PQsocket(connection.handle()), POLLIN, 0}});
    wait_for(descriptors, idle_wait());
    queue_.filled().clear();
    if (descriptors[2].revents != 0) throw postgres::Interrupted{};
    if (descriptors[3].revents != 0) target_.read(0);  // nobody asked: the server says goodbye
  }
  finish_batch();
  target_.read(0);
  settle();
}

void Applier::read_before_leaving() {
  try {
    target_.read(0);
  } catch (const Error& error) {
    // A refused batch that is not committed comes again, and alone.
    if (error.failure().recovery != Recovery::stop || !committing_.empty()) throw;
  }
}

void Applier::settle() {
  // Leave the slot where the target is, so that the next start finds both in step.
  if (idle_ && *idle_ > position_ && !same_cluster_) persist_position(*idle_);
  for (int tries = 0; tries < 40 && !durability_.all_durable(); ++tries) {
    auto descriptors = std::to_array<pollfd>({{target_.connection().stop()->descriptor(), POLLIN, 0}});
    if (wait_for(descriptors, durable_poll_interval)) throw postgres::Interrupted{};
    poll_durable();
  }
}

std::chrono::milliseconds Applier::idle_wait() const {
  if (awaited_ && idle_) return awaited_interval;
  return durability_.all_durable() ? std::chrono::milliseconds{1000} : durable_poll_interval;
}

Piece Applier::next_piece() {
  auto& connection = target_.connection();
  for (;;) {
    if (auto piece = queue_.take_next()) return std::move(*piece);
    if (queue_.is_exhausted()) throw postgres::Interrupted{};
    const short events = target_.pump() ? POLLIN | POLLOUT : POLLIN;
    auto descriptors = std::to_array<pollfd>({{queue_.filled().descriptor(), POLLIN, 0},
                                              {finish_.descriptor(), POLLIN, 0},
                                              {connection.stop()->descriptor(), POLLIN, 0},
                                              {PQsocket(connection.handle()), events, 0}});
    wait_for(descriptors, -1ms);
    queue_.filled().clear();
    // The rest of this transaction may never come: leaving means rolling it back.
    if (descriptors[1].revents != 0 || descriptors[2].revents != 0) throw postgres::Interrupted{};
  }
}

// Batches

void Applier::apply_batch(std::vector<Piece> pieces, bool strictly) {
  ++batch_;
  Batch batch{.position = pieces.back().transaction.end_lsn, .newest = pieces.back().transaction};
  batch.large = !pieces.back().is_last();
  batch.pieces = std::move(pieces);
  if (batch.large || strictly) finish_batch();
  batch.last_resort = history_.set_wise != SetWise::off && batch.newest.final_lsn == history_.suspect &&
                      !skips_.contains(history_.suspect);
  batch.strictly = strictly && !batch.last_resort;
  try {
    ask_for_images(batch, batch.pieces);
    take_changes(batch);
    flush(batch);
    if (!batch.begun) begin(batch);
  } catch (const Error& error) {
    if (!may_replay(batch, error.failure())) throw;
    drop_pending(batch);
    replay(batch, error.failure());
  }
  const bool lone = batch.large || strictly || queue_.waiting_transactions() == 0;
  // Deferred constraints would speak up at the COMMIT; the end of a COPY is a result to be read before it.
  if (lone && batch.certain && replica_role_ && !standing_error_ && !batch.large && !batch.strictly &&
      !target_.is_copying()) {
    return commit_certain(batch);
  }
  in_flight_ = std::move(batch);
  if (!lone) return target_.send();
  finish_batch();
  target_.read(0);
}

void Applier::ask_for_images(Batch& batch, std::span<const Piece> pieces) {
  if (feed_ == nullptr || !feed_->is_wanted() || !Images::are_lacking(pieces)) return;
  if (batch.large && batch.last_resort) return;  // nothing of it may be written before all of it is summed up
  flush(batch);
  begin(batch);
  images_.ask(
      pieces,
      [this](const wire::Relation& relation, const wire::Begin& transaction) {
        return !skips_.contains(transaction.final_lsn) && !seam_.holds(relation, transaction);
      },
      [this](const wire::Relation& relation, const wire::Begin& transaction) -> PreparedTable* {
        auto& table = table_of(relation, transaction);
        return table.plan.left_out ? nullptr : &table;
      });
}

void Applier::take_changes(Batch& batch) {
  for (std::size_t i = 0; i < batch.pieces.size(); ++i) {
    take_piece(batch, batch.pieces[i]);
    if (i % 64 == 63) target_.send();  // of the batch before
  }
  if (!batch.large) return;
  const auto most_rows = batch.last_resort ? UINT64_MAX : config_.limits.batch_rows;
  const auto most_bytes = batch.last_resort ? config_.limits.queue_bytes : config_.limits.batch_bytes;
  for (bool complete = false; !complete;) {
    std::size_t rows = 0;
    std::size_t bytes = 0;
    for (const auto& piece : batch.pieces) {
      rows += piece.frame.changes.size();
      bytes += piece.size;
    }
    // The statements hold copies of what they need; the pieces' memory can go.
    if (batch.strictly || rows >= most_rows || bytes >= most_bytes) {
      flush(batch);
      if (feed_ != nullptr) {
        // What was committed before it is put first.
        if (!committing_.empty() || images_.is_pending()) target_.read(0);
        images_.complete(batch.pieces);
        feed_->put(std::move(batch.pieces));
      }
      parts_until_ = batch.position;
      batch.pieces.clear();
    }
    batch.pieces.push_back(next_piece());
    complete = batch.pieces.back().is_last();
    ask_for_images(batch, std::span{batch.pieces}.last(1));
    take_piece(batch, batch.pieces.back());
    target_.pump();
  }
}

void Applier::take_piece(Batch& batch, const Piece& piece) {
  if (skips_.contains(piece.transaction.final_lsn)) {
    note_skipped(batch, piece);
  } else {
    gates_.look(batch.pieces, piece);
    for (const auto& change : piece.frame.changes) {
      if (change.kind == wire::RecordKind::truncate) {
        apply_truncate(batch, piece, change);
      } else {
        take_change(batch, piece.transaction, change);
      }
    }
  }
  take_learned(batch);
  if (piece.is_last()) ++batch.counted.transactions;
}

void Applier::take_learned(Batch& batch) {
  auto held = tables_.take_unwritten();
  if (held.empty()) return;
  held.merge(batch.held);  // the newer ones stay
  batch.held = std::move(held);
}

void Applier::take_change(Batch& batch, const wire::Begin& transaction, const wire::Change& change) {
  if (seam_.holds(*change.relation, transaction)) return;
  auto& table = table_of(*change.relation, transaction);
  if (table.plan.left_out) return;
  const bool free =
      batch.last_resort || (!batch.strictly && table.order == Order::free && table.state->in_order_until < batch_);
  if (free) {
    if (table.state->pending != &table) {
      if (table.state->pending != nullptr) flush(batch, {table.state->pending});
      table.state->pending = &table;
      batch.pending.push_back(&table);
    }
    if (table.pending.add(change) == NetEffect::Added::taken) return count(batch.counted, change.kind, 1);
  }
  flush_before(batch, table);
  begin(batch);
  if (change.kind != wire::RecordKind::insert || table.order != Order::free) batch.certain = false;
  rows_.write({.purpose = Purpose::row,
               .kind = change.kind,
               .xid = transaction.xid,
               .final_lsn = transaction.final_lsn,
               .table = &table},
              change);
}

void Applier::apply_truncate(Batch& batch, const Piece& piece, const wire::Change& change) {
  const auto& relations = piece.frame.truncates[change.truncate_index];
  const auto& partitions = piece.frame.partitions[change.truncate_index];
  std::vector<Truncated> tables;
  bool partly = false;
  for (std::size_t i = 0; i < relations.size(); ++i) {
    if (seam_.holds(*relations[i], piece.transaction)) {
      partly = true;
      continue;
    }
    auto& table = table_of(*relations[i], piece.transaction);
    if (!table.plan.left_out) tables.push_back({&table, partitions.empty() ? std::string{} : partitions[i]});
  }
  if (tables.empty()) return;
  flush(batch);
  begin(batch);
  batch.certain = false;  // its result is counted with the batch
  const Ticket ticket{.xid = piece.transaction.xid, .final_lsn = piece.transaction.final_lsn};
  // Without the tables whose copies are newer the others cannot be truncated where those refer to them.
  partly ? clear(target_, ticket, tables) : truncate(target_, ticket, tables, change.flags, replica_role_);
}

void Applier::note_skipped(Batch& batch, const Piece& piece) {
  if (piece.is_first()) skipped_.clear();
  for (const auto& change : piece.frame.changes) {
    const std::string kind{text_of(change.kind)};
    if (change.relation != nullptr) {
      ++skipped_[QualifiedName{change.relation->schema, change.relation->name}.display()][kind];
    } else {
      for (const auto* relation : piece.frame.truncates[change.truncate_index]) {
        ++skipped_[QualifiedName{relation->schema, relation->name}.display()][kind];
      }
    }
  }
  if (!piece.is_last()) return;
  const auto changes = nlohmann::json(skipped_).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const auto& transaction = piece.transaction;
  begin(batch);
  target_.query({.purpose = Purpose::note, .xid = transaction.xid, .final_lsn = transaction.final_lsn},
                "UPDATE walgate.skips SET skipped_at = pg_catalog.now(), changes = $3 WHERE pipeline = $1 AND lsn = $2",
                {config_.pipeline, transaction.final_lsn.text(), changes});
  ++batch.counted.transactions_skipped;
  log::warning("transaction_skipped", "left out a transaction, as a person asked",
               {{"lsn", transaction.final_lsn}, {"xid", transaction.xid}, {"changes", changes}});
}

void Applier::survey(std::vector<Piece> pieces) {
  finish_batch();
  target_.read(0);
  settle();
  throw Surveyed{read_through(config_.pipeline, std::move(pieces), [this] { return next_piece(); })};
}

PreparedTable& Applier::table_of(const wire::Relation& relation, const wire::Begin& transaction) {
  try {
    return tables_.table(relation, transaction.final_lsn);
  } catch (const Misfit& misfit) {
    log::debug("misfit", misfit.failure().detail, {{"relation", misfit.source.display()}});
    throw HeldAt{transaction.final_lsn};
  } catch (Error& error) {
    auto& failure = error.failure();
    if (failure.recovery == Recovery::stop && !failure.lsn) {
      failure.lsn = transaction.final_lsn;
      failure.xid = transaction.xid;
    }
    throw;
  }
}

// What is summed up

void Applier::flush(Batch& batch) {
  if (!batch.pending.empty()) flush(batch, batch.pending);
}

void Applier::flush_before(Batch& batch, const PreparedTable& table) {
  if (batch.pending.empty()) return;
  // Where foreign keys are checked, tables have an order among them.
  if (!replica_role_ || table.order == Order::barrier) return flush(batch);
  if (table.state->pending != nullptr) flush(batch, {table.state->pending});
}

void Applier::flush(Batch& batch, std::vector<PreparedTable*> tables) {
  begin(batch);
  for (const auto* table : tables) batch.certain = batch.certain && table->pending.only_inserts();
  std::ranges::stable_sort(tables, {}, &PreparedTable::rank);
  // Which of many rows are missing is found out in a replay, where there will be one.
  Ticket ticket{.purpose = batch.last_resort ? Purpose::row : Purpose::rows, .counted = true};
  if (batch.large || batch.last_resort) {
    ticket.xid = batch.newest.xid;
    ticket.final_lsn = batch.newest.final_lsn;
  }
  const auto delete_rows = [&] {  // children before their parents
    for (auto* table : tables | std::views::reverse) {
      ticket.table = table;
      sets_.write_deletes(ticket);
    }
  };
  if (batch.last_resort && history_.set_wise == SetWise::inserts_first) {
    const SetWriter::InPlace in_place{sets_};
    for (auto* table : tables) {
      ticket.table = table;
      sets_.write_inserts(ticket);
      sets_.write_updates(ticket);
    }
    delete_rows();
  } else {
    delete_rows();
    for (auto* table : tables) {
      ticket.table = table;
      sets_.write_updates(ticket);
      sets_.write_inserts(ticket);
    }
  }
  for (auto* table : tables) {
    table->pending.clear();
    table->state->pending = nullptr;
    std::erase(batch.pending, table);
  }
}

void Applier::drop_pending(Batch& batch) noexcept {
  for (auto* table : batch.pending) {
    table->pending.clear();
    table->state->pending = nullptr;
  }
  batch.pending.clear();
}

// Transactions of the target

void Applier::begin(Batch& batch) {
  if (batch.begun) return;
  take_learned(batch);  // before a replay of the batch before would take it
  finish_batch();
  batch.begun = true;
  sets_.begin_transaction();
  target_.repeat({.purpose = Purpose::begin}, "BEGIN");
  target_.repeat({.purpose = Purpose::fence}, "SELECT walgate.advance($1, $2, $3, $4)",
                 {config_.pipeline, std::to_string(epoch_), position_.text(), batch.position.text()});
  if (!replica_role_) target_.repeat({.purpose = Purpose::begin}, "SET CONSTRAINTS ALL DEFERRED");
}

void Applier::finish_batch() {
  if (!in_flight_) return;
  auto batch = std::move(*in_flight_);
  in_flight_.reset();
  try {
    target_.read(0);  // every result is checked before the COMMIT is sent
  } catch (const Error& error) {
    if (!may_replay(batch, error.failure())) throw;
    replay(batch, error.failure());
    target_.read(0);
  }
  send_commit(batch);
}

void Applier::send_commit(Batch& batch) {
  if (standing_error_ && batch.position > *standing_error_) {
    target_.query({.purpose = Purpose::note}, "DELETE FROM walgate.errors WHERE pipeline = $1", {config_.pipeline});
    target_.read(0);
  }
  if (!batch.held.empty()) {
    target_.query({.purpose = Purpose::note}, std::string{store_held_tables},
                  {config_.pipeline, json_of(batch.held), std::to_string(epoch_)});
  }
  history_.boundaries.push_back(batch.position);
  // A deferred constraint speaks up at the COMMIT; it is then the newest transaction that is suspected.
  target_.repeat({.purpose = Purpose::commit, .xid = batch.newest.xid, .final_lsn = batch.newest.final_lsn}, "COMMIT");
  // Asynchronous commits become durable later anyway; asking after each would cost as much as the commit.
  const auto now = std::chrono::steady_clock::now();
  if (at_once_ || same_cluster_ || now - last_poll_ >= durable_poll_interval) {
    last_poll_ = now;
    ask_for_wal();
  }
  target_.sync();
  auto tally = check_.take();
  add(tally.counted, batch.counted);
  committing_.push_back({batch.position, batch.newest.commit_time, tally, {}});
  if (feed_ != nullptr) committing_.back().pieces.swap(batch.pieces);
  position_ = batch.position;
  if (!replica_role_) target_.read(0);  // before anything that would have to be sent again
}

void Applier::commit_certain(Batch& batch) {
  const auto before = position_;
  send_commit(batch);
  try {
    target_.read(0);
  } catch (const Error& error) {
    if (!may_replay(batch, error.failure())) throw;
    // The server has skipped the COMMIT behind the statement that failed.
    if (feed_ != nullptr) batch.pieces.swap(committing_.back().pieces);  // else they have stayed
    committing_.pop_back();
    history_.boundaries.pop_back();
    position_ = before;
    replay(batch, error.failure());
    send_commit(batch);
    target_.read(0);
  }
}

void Applier::ask_for_wal() {
  target_.repeat({.purpose = Purpose::wal_position},
                 "SELECT pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.pg_current_wal_flush_lsn()");
}

bool Applier::may_replay(const Batch& batch, const Failure& failure) const {
  // What was alone, large or in order already is for the next session, which has the transaction read again.
  return refused_ != nullptr && batch.begun && !batch.large && !batch.strictly && !batch.last_resort &&
         failure.recovery == Recovery::stop;
}

void Applier::replay(Batch& batch, const Failure& failure) {
  log::info("strict_replay", "the target refused a batch; its transactions run again one change at a time",
            {{"reason", failure.message}, {"sqlstate", failure.sqlstate}});
  board_.update([](Status& status) { ++status.counters.strict_replays; });
  punish(*std::exchange(refused_, nullptr)->state);
  target_.roll_back();
  tables_.forget_statements();
  static_cast<void>(check_.take());
  batch.counted = {};
  batch.begun = false;
  batch.strictly = true;
  for (const auto& piece : batch.pieces) take_piece(batch, piece);
  begin(batch);
  target_.read(0);
}

void Applier::punish(TableState& state) const {
  const bool again = state.last_failed_batch != 0 && batch_ - state.last_failed_batch <= 16 * state.penalty;
  state.penalty = again ? std::min(4 * state.penalty, longest_penalty) : shortest_penalty;
  state.last_failed_batch = batch_;
  state.in_order_until = batch_ + state.penalty;
}

void Applier::persist_position(Lsn position) {
  Batch batch{.position = position};
  begin(batch);
  in_flight_ = std::move(batch);
  finish_batch();
  target_.read(0);
}

void Applier::persist_idle() {
  if (!idle_ || *idle_ <= position_) return;
  // Migrations may wait for the end of the copies.
  const bool passes_copies = position_ < seam_.last_horizon() && *idle_ >= seam_.last_horizon();
  if (same_cluster_ && !passes_copies && *idle_ <= durability_.own_wal_end()) return;  // it was ourselves
  const bool far = passes_copies || idle_->value - position_.value >= idle_step_bytes;
  const auto interval = awaited_ ? awaited_interval : idle_interval;
  if (!far && std::chrono::steady_clock::now() - last_commit_ < interval) return;
  persist_position(*std::exchange(idle_, std::nullopt));
}

void Applier::poll_durable() {
  if (durability_.all_durable() || std::chrono::steady_clock::now() - last_poll_ < durable_poll_interval) return;
  last_poll_ = std::chrono::steady_clock::now();
  ask_for_wal();
  target_.sync();
  target_.read(0);
  board_.update([&](Status& status) { status.confirmed_lsn = acknowledgement_.confirmable(); });
}

// Results

void Applier::on_result(const Ticket& ticket, const PGresult* result) {
  acknowledgement_.count_step();
  if (is_refusal(result)) {
    refused_ = ticket.table;
    throw Error{refusal_of(ticket, result, target_.connection(), target_.encoding())};
  }
  switch (ticket.purpose) {
    case Purpose::row:
    case Purpose::rows:
      refused_ = ticket.table;
      check_.on_hits(ticket, hits_of(result));
      refused_ = nullptr;
      return;
    case Purpose::image:
      return images_.on_result(ticket, result);
    case Purpose::truncate:
      ++check_.tally().counted.truncates;
      return;
    case Purpose::types:
      return check_types(ticket, result, target_.connection());
    case Purpose::commit:
      check_commit(result, target_.connection());
      return on_commit();
    case Purpose::wal_position: {
      const auto inserted = Lsn::parse(PQgetvalue(result, 0, 0)).value_or(Lsn{});
      const auto flushed = Lsn::parse(PQgetvalue(result, 0, 1)).value_or(Lsn{});
      if (const auto durable = durability_.on_wal(inserted, flushed)) {
        history_.set_durable(*durable);
        acknowledgement_.set_durable(*durable);
      }
      return;
    }
    default:
      return;
  }
}

void Applier::on_commit() {
  auto [position, commit_time, tally, pieces] = std::move(committing_.front());
  committing_.pop_front();
  durability_.committed(position);
  last_commit_ = std::chrono::steady_clock::now();
  if (standing_error_ && position > *standing_error_) standing_error_.reset();
  acknowledgement_.set_applied(position);
  if (feed_ != nullptr) {
    if (pieces.empty()) feed_->put_idle(position);
    images_.complete(pieces);
    feed_->put(std::move(pieces));
    if (position >= parts_until_) feed_->stands_at(position);
  }
  board_.update([&](Status& status) {
    status.applied_lsn = position;
    status.received_lsn = std::max(status.received_lsn, position);  // the receiver tells less often
    status.confirmed_lsn = acknowledgement_.confirmable();
    add(status.counters, tally.counted);
    status.conflicts.insert_exists += tally.conflicts.insert_exists;
    status.conflicts.update_missing += tally.conflicts.update_missing;
    status.conflicts.delete_missing += tally.conflicts.delete_missing;
    status.lag.transactions = queue_.waiting_transactions();
    if (commit_time != 0) {
      const auto delay = std::chrono::system_clock::now() - time_of(commit_time);
      status.lag.milliseconds =
          std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(delay).count());
    }
    if (!standing_error_ && status.error && status.error->lsn && *status.error->lsn < position) status.error.reset();
    if (status.gate && status.gate->lsn && *status.gate->lsn < position) pass_gate(status);
  });
}

}  // namespace walgate::apply
