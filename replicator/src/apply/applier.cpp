#include "apply/applier.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

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

std::uint64_t hits_of(const PGresult* result) {
  const std::string_view text{PQcmdTuples(const_cast<PGresult*>(result))};  // libpq's signature predates const
  std::uint64_t hits = 0;
  std::from_chars(text.data(), text.data() + text.size(), hits);
  return hits;
}

std::string_view text_of(wire::RecordKind kind) {
  switch (kind) {
    case wire::RecordKind::insert:
      return "insert";
    case wire::RecordKind::update:
      return "update";
    case wire::RecordKind::delete_:
      return "delete";
    case wire::RecordKind::truncate:
      return "truncate";
    default:
      return "record";
  }
}

std::chrono::system_clock::time_point time_of(std::int64_t postgres_microseconds) {
  constexpr std::int64_t postgres_epoch = 946'684'800'000'000;
  return std::chrono::system_clock::time_point{std::chrono::microseconds{postgres_microseconds + postgres_epoch}};
}

}  // namespace

Applier::Applier(postgres::Connection target, TableSet tables, const Config& config, const ApplierStart& start,
                 PieceQueue& queue, Acknowledgement& acknowledgement, StatusBoard& board, History& history,
                 const Event& finish)
    : config_{config},
      queue_{queue},
      acknowledgement_{acknowledgement},
      board_{board},
      history_{history},
      finish_{finish},
      tables_{std::move(tables)},
      replica_role_{start.replica_role},
      same_cluster_{start.same_cluster},
      awaited_{start.awaited},
      commit_mode_{start.commit_mode},
      epoch_{start.claim.epoch},
      encoding_{start.encoding},
      skips_{start.skips},
      standing_error_{start.standing_error},
      position_{start.claim.position},
      last_commit_{std::chrono::steady_clock::now()},
      last_poll_{last_commit_},
      connection_{std::move(target)},
      pipeline_{connection_} {
  connection_.set_phase("apply");
}

void Applier::run() {
  while (!finish_.is_set()) {
    // A suspect is applied alone, so that everything before it is committed when it fails again.
    const bool alone = history_.suspect.is_set() && position_ <= history_.suspect;
    BatchLimits limits{config_.limits.batch_rows, config_.limits.batch_bytes};
    if (alone) limits.transactions = 1;
    auto pieces = queue_.take(limits);
    if (!pieces.empty()) {
      idle_.reset();
      apply_batch(std::move(pieces));
      continue;
    }
    if (queue_.is_exhausted()) break;
    if (const auto idle = queue_.take_idle(); idle && *idle > position_) {
      idle_ = idle;
      board_.update([&](Status& status) { status.applied_lsn = *idle; });
    }
    poll_durable();
    persist_idle();
    auto descriptors = std::to_array<pollfd>({{queue_.filled().descriptor(), POLLIN, 0},
                                              {finish_.descriptor(), POLLIN, 0},
                                              {connection_.stop()->descriptor(), POLLIN, 0},
                                              {PQsocket(connection_.handle()), POLLIN, 0}});
    wait_for(descriptors, idle_wait());
    queue_.filled().clear();
    if (descriptors[2].revents != 0) throw postgres::Interrupted{};
    if (descriptors[3].revents != 0) read_results(0);  // nobody asked: the server says goodbye
  }
  settle();
}

void Applier::settle() {
  // Leave the slot where the target is, so that the next start finds both in step.
  if (idle_ && *idle_ > position_ && !same_cluster_) {
    begin(*idle_);
    commit(*idle_, {});
  }
  for (int tries = 0; tries < 40 && !undurable_.empty(); ++tries) {
    auto descriptors = std::to_array<pollfd>({{connection_.stop()->descriptor(), POLLIN, 0}});
    if (wait_for(descriptors, durable_poll_interval)) throw postgres::Interrupted{};
    poll_durable();
  }
}

std::chrono::milliseconds Applier::idle_wait() const {
  if (awaited_ && idle_) return awaited_interval;
  return undurable_.empty() ? std::chrono::milliseconds{1000} : durable_poll_interval;
}

void Applier::apply_batch(std::vector<Piece> pieces) {
  const auto new_position = pieces.back().transaction.end_lsn;
  begin(new_position);
  bool set_wise = history_.set_wise != SetWise::off && pieces.front().transaction.final_lsn == history_.suspect &&
                  !skips_.contains(history_.suspect);
  if (set_wise) {  // needs the whole transaction in memory
    for (auto bytes = pieces.front().size; !pieces.back().is_last() && bytes < config_.limits.queue_bytes;) {
      pieces.push_back(next_piece());
      bytes += pieces.back().size;
    }
    set_wise = pieces.back().is_last() && apply_set_wise(pieces);
  }
  for (auto& piece : pieces) {
    if (set_wise) break;
    apply_piece(piece);
    // In a large transaction the statements hold copies of what they need; its memory can go.
    if (!pieces.back().is_last()) piece.bytes.reset();
  }
  wire::Begin newest = pieces.back().transaction;
  bool complete = pieces.back().is_last();
  pieces.clear();
  while (!complete) {
    const auto piece = next_piece();
    apply_piece(piece);
    complete = piece.is_last();
  }
  // A deferred constraint speaks up at the COMMIT; it is then the newest transaction that is suspected.
  commit(new_position, {.xid = newest.xid, .final_lsn = newest.final_lsn});
  const auto delay = std::chrono::system_clock::now() - time_of(newest.commit_time);
  board_.update([&](Status& status) {
    status.lag.milliseconds =
        std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(delay).count());
  });
}

Piece Applier::next_piece() {
  for (;;) {
    if (auto piece = queue_.take_next()) return std::move(*piece);
    if (queue_.is_exhausted()) throw postgres::Interrupted{};
    read_results(0);
    auto descriptors = std::to_array<pollfd>({{queue_.filled().descriptor(), POLLIN, 0},
                                              {finish_.descriptor(), POLLIN, 0},
                                              {connection_.stop()->descriptor(), POLLIN, 0},
                                              {PQsocket(connection_.handle()), POLLIN, 0}});
    wait_for(descriptors, -1ms);
    queue_.filled().clear();
    // The rest of this transaction may never come: leaving means rolling it back.
    if (descriptors[1].revents != 0 || descriptors[2].revents != 0) throw postgres::Interrupted{};
  }
}

void Applier::begin(Lsn new_position) {
  counted_ = {};
  conflicts_ = {};
  xid_of_deletes_ = 0;
  pipeline_.query({.purpose = Purpose::begin}, "BEGIN");
  pipeline_.query({.purpose = Purpose::fence}, "SELECT walgate.advance($1, $2, $3, $4)",
                  {config_.pipeline, std::to_string(epoch_), position_.text(), new_position.text()});
  if (!replica_role_) pipeline_.query({.purpose = Purpose::begin}, "SET CONSTRAINTS ALL DEFERRED");
}

void Applier::commit(Lsn new_position, const Ticket& last) {
  if (standing_error_ && new_position > *standing_error_) {
    pipeline_.query({.purpose = Purpose::note}, "DELETE FROM walgate.errors WHERE pipeline = $1", {config_.pipeline});
  }
  read_results(0);  // every result is checked before the COMMIT is sent
  history_.boundaries.push_back(new_position);
  Ticket committing = last;
  committing.purpose = Purpose::commit;
  pipeline_.query(committing, "COMMIT");
  pipeline_.query({.purpose = Purpose::wal_position},
                  "SELECT pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.pg_current_wal_flush_lsn()");
  pipeline_.sync({.purpose = Purpose::sync});
  undurable_.push_back({new_position, Lsn{}});
  read_results(0);
  position_ = new_position;
  last_commit_ = std::chrono::steady_clock::now();
  if (standing_error_ && new_position > *standing_error_) standing_error_.reset();
  publish(new_position);
}

void Applier::publish(Lsn position) {
  acknowledgement_.set_applied(position);
  board_.update([&](Status& status) {
    status.applied_lsn = position;
    status.received_lsn = std::max(status.received_lsn, position);  // the receiver tells less often
    status.confirmed_lsn = acknowledgement_.durable();
    auto& total = status.counters;
    total.transactions += counted_.transactions;
    total.inserts += counted_.inserts;
    total.updates += counted_.updates;
    total.deletes += counted_.deletes;
    total.truncates += counted_.truncates;
    total.missing_rows_skipped += counted_.missing_rows_skipped;
    total.cascaded_deletes += counted_.cascaded_deletes;
    total.duplicates_skipped += counted_.duplicates_skipped;
    total.transactions_skipped += counted_.transactions_skipped;
    status.conflicts.insert_exists += conflicts_.insert_exists;
    status.conflicts.update_missing += conflicts_.update_missing;
    status.conflicts.delete_missing += conflicts_.delete_missing;
    status.lag.transactions = queue_.waiting_transactions();
    if (!standing_error_ && status.error && status.error->lsn && *status.error->lsn < position) status.error.reset();
  });
}

void Applier::persist_idle() {
  if (!idle_ || *idle_ <= position_) return;
  if (same_cluster_ && *idle_ <= own_wal_end_) return;  // it was ourselves who moved the WAL
  const bool far = idle_->value - position_.value >= idle_step_bytes;
  const auto interval = awaited_ ? awaited_interval : idle_interval;
  if (!far && std::chrono::steady_clock::now() - last_commit_ < interval) return;
  const auto lsn = *idle_;
  begin(lsn);
  commit(lsn, {});
  idle_.reset();
}

void Applier::poll_durable() {
  if (undurable_.empty() || std::chrono::steady_clock::now() - last_poll_ < durable_poll_interval) return;
  last_poll_ = std::chrono::steady_clock::now();
  pipeline_.query({.purpose = Purpose::wal_position},
                  "SELECT pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.pg_current_wal_flush_lsn()");
  pipeline_.sync({.purpose = Purpose::sync});
  read_results(0);
  board_.update([&](Status& status) { status.confirmed_lsn = acknowledgement_.durable(); });
}

void Applier::apply_piece(const Piece& piece) {
  const bool left_out = skips_.contains(piece.transaction.final_lsn);
  if (left_out) {
    note_skipped(piece);
  } else {
    for (const auto* relation : piece.frame.rewrites) {
      log::warning("table_rewritten",
                   "the source has rewritten a table; values that it computed there are not in the stream, and have to "
                   "be made on "
                   "the target as well",
                   {{"relation", QualifiedName{relation->schema, relation->name}.display()},
                    {"lsn", piece.transaction.final_lsn}});
    }
    for (const auto& change : piece.frame.changes) {
      apply_change(piece.transaction, piece.frame, change);
      keep_pace();
    }
  }
  if (piece.is_last()) ++counted_.transactions;
}

void Applier::note_skipped(const Piece& piece) {
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
  pipeline_.query(
      {.purpose = Purpose::note, .xid = transaction.xid, .final_lsn = transaction.final_lsn},
      "UPDATE walgate.skips SET skipped_at = pg_catalog.now(), changes = $3 WHERE pipeline = $1 AND lsn = $2",
      {config_.pipeline, transaction.final_lsn.text(), encoding_.from_utf8(changes)});
  ++counted_.transactions_skipped;
  log::warning("transaction_skipped", "left out a transaction, as a person asked",
               {{"lsn", transaction.final_lsn}, {"xid", transaction.xid}, {"changes", changes}});
}

void Applier::apply_change(const wire::Begin& transaction, const wire::Frame& frame, const wire::Change& change) {
  Ticket ticket{
      .purpose = Purpose::row, .kind = change.kind, .xid = transaction.xid, .final_lsn = transaction.final_lsn};
  if (change.kind == wire::RecordKind::truncate) return apply_truncate(ticket, transaction, frame, change);
  auto& table = table_of(*change.relation, transaction);
  if (table.plan.left_out) return;
  ticket.table = &table;
  switch (change.kind) {
    case wire::RecordKind::insert:
      return apply_insert(ticket, table, change);
    case wire::RecordKind::update:
      return apply_update(ticket, table, change);
    default:
      return apply_delete(ticket, table, change);
  }
}

PreparedTable& Applier::table_of(const wire::Relation& relation, const wire::Begin& transaction) {
  try {
    return tables_.table(relation, transaction.final_lsn);
  } catch (Error& error) {
    auto& failure = error.failure();
    if (failure.recovery == Recovery::stop && !failure.lsn) {
      failure.lsn = transaction.final_lsn;
      failure.xid = transaction.xid;
    }
    throw;
  }
}

Prepared& Applier::prepare(const Ticket& ticket, std::optional<Prepared>& slot, Statement statement) {
  auto& prepared = slot.emplace(Prepared{fmt::format("w{}", statements_++), std::move(statement)});
  Ticket preparing = ticket;
  preparing.purpose = Purpose::prepare;
  pipeline_.prepare(preparing, prepared.name, encoding_.from_utf8(prepared.statement.sql), prepared.statement.types);
  return prepared;
}

void Applier::execute(Ticket ticket, const Prepared& prepared, const TablePlan& plan, bool old_is_key) {
  parameters_.clear();
  for (const auto& source : prepared.statement.parameters) {
    const auto& column = plan.columns[source.column];
    const auto& value =
        !source.old_image ? new_values_[column.source] : old_values_[old_is_key ? column.source_key : column.source];
    parameters_.add(value.data, value.length < 0 ? 0 : value.length, column.binary);
  }
  pipeline_.execute(ticket, prepared.name, parameters_);
}

void Applier::apply_insert(const Ticket& ticket, PreparedTable& table, const wire::Change& change) {
  if (!table.insert) prepare(ticket, table.insert, table.plan.insert());
  wire::split_tuple(change.new_tuple, new_values_);
  execute(ticket, *table.insert, table.plan, false);
}

bool Applier::key_differs(const TablePlan& plan, const wire::Change& change) const {
  if ((change.flags & wire::old_key) != 0) return true;
  for (const auto& column : plan.columns) {
    if (!column.is_key) continue;
    const auto& before = old_values_[column.source];
    const auto& after = new_values_[column.source];
    if (before.length != after.length) return true;
    if (before.length > 0 && std::string_view{before.data, static_cast<std::size_t>(before.length)} !=
                                 std::string_view{after.data, static_cast<std::size_t>(after.length)}) {
      return true;
    }
  }
  return false;
}

void Applier::apply_update(const Ticket& ticket, PreparedTable& table, const wire::Change& change) {
  const bool by_image = !table.plan.has_key && table.plan.by_image && (change.flags & wire::old_full) != 0;
  if ((!table.plan.has_key && !by_image) || change.new_tuple.empty()) not_identified(ticket, table);
  wire::split_tuple(change.new_tuple, new_values_);
  const bool has_old = !change.old_tuple.empty();
  if (has_old) wire::split_tuple(change.old_tuple, old_values_);
  if (by_image) {
    if (!table.update) prepare(ticket, table.update, table.plan.update_by_image());
    return execute(ticket, *table.update, table.plan, false);
  }
  const bool key_changed = has_old && key_differs(table.plan, change);
  bool any_unchanged = false;
  unchanged_.assign(table.plan.columns.size(), false);
  for (std::size_t i = 0; i < table.plan.columns.size(); ++i) {
    if (new_values_[table.plan.columns[i].source].length == wire::length_unchanged_toast) {
      unchanged_[i] = any_unchanged = true;
    }
  }
  const bool old_is_key = (change.flags & wire::old_key) != 0;
  if (!replica_role_ && table.plan.is_referred && table.plan.moves_identity_key(key_changed)) {
    throw Error{Failure{
        .name = ErrorName::statement_refused,
        .message = fmt::format("a change of the identity key of {} cannot be written while foreign keys to {} are "
                               "at work",
                               table.plan.source.display(), table.plan.target.display()),
        .remedy = "make the target's column GENERATED BY DEFAULT AS IDENTITY, or let the role set "
                  "session_replication_role",
        .phase = "apply",
        .relation = table.plan.source.display(),
        .lsn = ticket.final_lsn,
        .xid = ticket.xid}};
  }
  const bool enters_filter = (change.flags & wire::enters_row_filter) != 0;
  if (enters_filter && !any_unchanged) {  // what is missing is not mapped
    Ticket inserting = ticket;
    inserting.kind = wire::RecordKind::insert;
    return apply_insert(inserting, table, change);
  }
  if (!any_unchanged && !key_changed) {
    if (!table.update) prepare(ticket, table.update, table.plan.update(unchanged_, false));
    return execute(ticket, *table.update, table.plan, old_is_key);
  }
  const auto kind = std::pair{unchanged_, key_changed};
  auto found = table.updates.find(kind);
  if (found == table.updates.end()) {
    std::optional<Prepared> made;
    prepare(ticket, made, table.plan.update(unchanged_, key_changed));
    found = table.updates.emplace(kind, std::move(*made)).first;
  }
  Ticket updating = ticket;
  // It hits a row where a person has brought it.
  if (enters_filter) updating.missing_values = &found->first.first;
  execute(updating, found->second, table.plan, old_is_key);
}

void Applier::apply_delete(const Ticket& ticket, PreparedTable& table, const wire::Change& change) {
  const bool by_image = !table.plan.has_key && table.plan.by_image && (change.flags & wire::old_full) != 0;
  if ((!table.plan.has_key && !by_image) || change.old_tuple.empty()) not_identified(ticket, table);
  if (!table.remove) {
    prepare(ticket, table.remove, by_image ? table.plan.delete_by_image() : table.plan.delete_row());
  }
  wire::split_tuple(change.old_tuple, old_values_);
  execute(ticket, *table.remove, table.plan, (change.flags & wire::old_key) != 0);
}

void Applier::apply_truncate(const Ticket& ticket, const wire::Begin& transaction, const wire::Frame& frame,
                             const wire::Change& change) {
  std::string names;
  Ticket sent = ticket;
  sent.purpose = Purpose::truncate;
  for (const auto* relation : frame.truncates[change.truncate_index]) {
    auto& table = table_of(*relation, transaction);
    if (table.plan.left_out) continue;
    sent.table = &table;
    names += (names.empty() ? "" : ", ") + table.plan.only();
  }
  if (names.empty()) return;
  if ((change.flags & wire::truncate_of_partitions) != 0) {
    partitions_truncated(sent, frame.partitions[change.truncate_index]);
  }
  // All of them in one statement, because they may refer to each other.
  const bool restart = (change.flags & wire::truncate_restart_identity) != 0;
  pipeline_.query(sent, encoding_.from_utf8(fmt::format("TRUNCATE {}{}", names, restart ? " RESTART IDENTITY" : "")));
}

void Applier::partitions_truncated(const Ticket& ticket, const std::vector<std::string>& partitions) {
  const auto& plan = ticket.table->plan;
  throw Error{
      Failure{.name = ErrorName::change_not_identified,
              .message = fmt::format("TRUNCATE of partitions does not say which rows of {} are gone: {}",
                                     plan.source.display(), fmt::join(partitions, ", ")),
              .detail = "the source publishes these partitions under the name of their partitioned table",
              .remedy = fmt::format("delete their rows from {} by hand, then leave this transaction out with `walgate "
                                    "skip --lsn {}`; a publication without truncate does not send such a command",
                                    plan.target.display(), ticket.final_lsn.text()),
              .phase = "apply",
              .relation = plan.source.display(),
              .lsn = ticket.final_lsn,
              .xid = ticket.xid}};
}

void Applier::values_missing(const Ticket& ticket) {
  const auto& plan = ticket.table->plan;
  std::string columns;
  for (std::size_t i = 0; i < plan.columns.size(); ++i) {
    if ((*ticket.missing_values)[i])
      columns += (columns.empty() ? "" : ", ") + display_identifier(plan.columns[i].target);
  }
  throw Error{Failure{
      .name = ErrorName::row_filter_without_values,
      .message = fmt::format("an update leads a row of {} into the row filter, and the WAL does not hold its ({})",
                             plan.source.display(), columns),
      .detail =
          fmt::format("these values are TOASTed and did not change; the row is located by ({})", plan.key_names()),
      .remedy = fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL on the source prevents this for later updates; "
                            "for this one copy the row to {} by hand and start the service again, or leave the "
                            "transaction out with `walgate skip --lsn {}`",
                            plan.source.quoted(), plan.target.display(), ticket.final_lsn.text()),
      .phase = "apply",
      .relation = plan.source.display(),
      .lsn = ticket.final_lsn,
      .xid = ticket.xid}};
}

void Applier::not_identified(const Ticket& ticket, const PreparedTable& table) {
  throw Error{Failure{.name = ErrorName::change_not_identified,
                      .message = fmt::format("{} of {} does not say which row it is about", text_of(ticket.kind),
                                             table.plan.source.display()),
                      .detail = "the source logged no key for it",
                      .remedy = fmt::format(
                          "give the table a primary key or ALTER TABLE {} REPLICA IDENTITY USING INDEX, and leave this "
                          "transaction out with `walgate skip --lsn {}` after doing its change by hand",
                          table.plan.source.display(), ticket.final_lsn.text()),
                      .phase = "apply",
                      .relation = table.plan.source.display(),
                      .lsn = ticket.final_lsn,
                      .xid = ticket.xid}};
}

void Applier::keep_pace() {
  const bool many_bytes = pipeline_.bytes_in_flight() > most_bytes_in_flight;
  if (++unread_ < 64 && !many_bytes) return;
  unread_ = 0;
  pipeline_.request_results();  // a slow target shows that it is at work
  read_results(many_bytes ? 0 : most_in_flight);
}

void Applier::read_results(std::size_t most) {
  pipeline_.drain(most, [this](const Ticket& ticket, const PGresult* result) { on_result(ticket, result); });
}

void Applier::on_result(const Ticket& ticket, const PGresult* result) {
  acknowledgement_.count_result();
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_PIPELINE_SYNC:
      break;
    default: {
      auto failure = postgres::failure_of(result, postgres::Side::target, connection_.phase());
      if (ticket.final_lsn.is_set()) {
        failure.lsn = ticket.final_lsn;
        failure.xid = ticket.xid;
      }
      if (ticket.table != nullptr) {
        failure.relation = ticket.table->plan.source.display();
        failure.detail =
            fmt::format("{} on {}, key ({}){}{}", text_of(ticket.kind), ticket.table->plan.target.display(),
                        ticket.table->plan.key_names(), failure.detail.empty() ? "" : "; ", failure.detail);
      }
      throw Error{std::move(failure)};
    }
  }
  switch (ticket.purpose) {
    case Purpose::row:
      return on_row_count(ticket, hits_of(result));
    case Purpose::truncate:
      ++counted_.truncates;
      return;
    case Purpose::commit:
      if (PQcmdStatus(const_cast<PGresult*>(result)) != std::string_view{"COMMIT"}) {
        throw Error{Failure{.name = ErrorName::internal_error,
                            .message = "target rolled back where it was asked to commit",
                            .phase = connection_.phase()}};
      }
      return;
    case Purpose::wal_position: {
      const auto inserted = Lsn::parse(PQgetvalue(result, 0, 0)).value_or(Lsn{});
      const auto flushed = Lsn::parse(PQgetvalue(result, 0, 1)).value_or(Lsn{});
      std::optional<Lsn> durable;
      if (!undurable_.empty() && !undurable_.back().target_lsn.is_set()) own_wal_end_ = inserted;
      for (auto& commit : undurable_) {
        if (!commit.target_lsn.is_set()) commit.target_lsn = inserted;
      }
      while (!undurable_.empty() && (commit_mode_ != CommitMode::off || undurable_.front().target_lsn <= flushed)) {
        durable = undurable_.front().position;
        undurable_.pop_front();
      }
      if (durable) {
        history_.set_durable(*durable);
        acknowledgement_.set_durable(*durable);
      }
      return;
    }
    default:
      return;
  }
}

void Applier::on_row_count(const Ticket& ticket, std::uint64_t hits) {
  const auto& plan = ticket.table->plan;
  bool cascaded = false;
  if (ticket.kind == wire::RecordKind::delete_) {
    if (xid_of_deletes_ != ticket.xid) deleted_from_.clear();
    xid_of_deletes_ = ticket.xid;
    cascaded = !replica_role_ &&
               std::ranges::any_of(plan.cascading_parents, [&](auto oid) { return deleted_from_.contains(oid); });
    // Only what was there can take other rows with it: a table may refer to itself.
    if (hits > 0 || cascaded) deleted_from_.insert(plan.target_oid);
  }
  switch (ticket.kind) {
    case wire::RecordKind::insert:
      counted_.inserts += hits;
      break;
    case wire::RecordKind::update:
      counted_.updates += hits;
      break;
    default:
      counted_.deletes += hits;
      break;
  }
  if (hits == ticket.rows) return;
  if (ticket.kind == wire::RecordKind::insert && plan.on_duplicate == OnDuplicate::skip) {
    ++counted_.duplicates_skipped;
    ++conflicts_.insert_exists;
    return;
  }
  if (hits < ticket.rows && cascaded) {
    counted_.cascaded_deletes += ticket.rows - hits;  // the target's own ON DELETE CASCADE was there first
    return;
  }
  if (hits < ticket.rows && ticket.missing_values != nullptr) values_missing(ticket);
  if (hits < ticket.rows) {
    // An insert that stores nothing was taken by a trigger or a rule of the target.
    if (ticket.kind == wire::RecordKind::update) ++conflicts_.update_missing;
    if (ticket.kind == wire::RecordKind::delete_) ++conflicts_.delete_missing;
    if (plan.on_missing == OnMissing::skip) {
      counted_.missing_rows_skipped += ticket.rows - hits;
      log::warning("row_missing",
                   fmt::format("{} hit no row and was skipped, as the configuration asks", text_of(ticket.kind)),
                   {{"relation", plan.source.display()}, {"lsn", ticket.final_lsn}, {"xid", ticket.xid}});
      return;
    }
  }
  throw Error{
      Failure{.name = hits < ticket.rows ? ErrorName::row_missing : ErrorName::row_ambiguous,
              .message = fmt::format("{} of {} hit {} rows of {} where {} should be hit", text_of(ticket.kind),
                                     plan.source.display(), hits, plan.target.display(), ticket.rows),
              .detail = fmt::format("the row is located by ({})", plan.key_names()),
              .remedy = hits < ticket.rows
                            ? fmt::format("find out who changed the target, or which trigger took the row; then "
                                          "restore the row, or set on_missing to \"skip\" "
                                          "for this table, or leave the transaction out with `walgate skip --lsn {}`",
                                          ticket.final_lsn.text())
                            : std::string{},
              .phase = "apply",
              .relation = plan.source.display(),
              .lsn = ticket.final_lsn,
              .xid = ticket.xid}};
}

}  // namespace walgate::apply
