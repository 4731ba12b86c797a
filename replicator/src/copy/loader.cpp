#include "copy/loader.hpp"

#include "apply/target_result.hpp"
#include "postgres/copy_format.hpp"

namespace walgate::copy {

namespace {

using postgres::copy_header;
using postgres::copy_trailer;

/// What is passed on at once: enough to keep the number of system calls small.
constexpr std::size_t buffer_size = 256 * 1024;
/// What is summed up before it is written.
constexpr std::size_t most_rows = 2000;
constexpr std::size_t most_bytes = 8 * 1024 * 1024;
/// The server keeps up to 1000 rows of a binary COPY in memory, whatever their size (copyfrom.c, MAX_BUFFERED_TUPLES:
/// the bytes that it counts are those of text).  Above this much we end the COPY and begin another.
constexpr std::size_t rows_kept_by_server = 1000;
constexpr std::size_t most_bytes_kept_by_server = 64 * 1024 * 1024;

}  // namespace

Loader::Loader(postgres::Connection target, const std::string& encoding, bool replica_role)
    : replica_role_{replica_role},
      check_{replica_role},
      target_{std::move(target), wire::Encoding{encoding},
              [this](const apply::Ticket& ticket, const PGresult* result) { on_result(ticket, result); }, [] {}},
      rows_{target_, replica_role},
      sets_{target_, rows_} {
  target_.connection().set_phase("copy");
}

void Loader::begin(const std::string& pipeline, std::int64_t epoch) {
  sets_.begin_transaction();
  target_.repeat({.purpose = apply::Purpose::begin}, "BEGIN");
  target_.repeat({.purpose = apply::Purpose::fence}, "SELECT walgate.hold($1, $2)", {pipeline, std::to_string(epoch)});
  if (!replica_role_) target_.repeat({.purpose = apply::Purpose::begin}, "SET CONSTRAINTS ALL DEFERRED");
}

void Loader::open(apply::PreparedTable& table, bool passed_on) {
  if (passed_on) {
    sets_.lock_types({.table = &table});
    return open(table, *table.copy);
  }
  table_ = &table;
  passing_on_ = false;
  any_message_ = false;
}

void Loader::open(apply::PreparedTable& table, const std::string& copy) {
  table_ = &table;
  passing_on_ = true;
  any_message_ = false;
  copy_ = copy;
  begin_copy();
}

void Loader::put(postgres::Memory message, std::size_t size) {
  const bool first = !std::exchange(any_message_, true);
  std::string_view data{message.get(), size};
  if (passing_on_) return pass_on(data);
  if (first) data.remove_prefix(std::min(data.size(), copy_header.size()));
  if (data == copy_trailer || data.empty()) return;
  put_row(std::move(message), data);
}

void Loader::pass_on(std::string_view data) {
  buffer_.append(data);
  kept_bytes_ += data.size();
  if (++kept_rows_ == rows_kept_by_server) kept_rows_ = kept_bytes_ = 0;
  if (kept_bytes_ >= most_bytes_kept_by_server && data != copy_trailer) {
    buffer_.append(copy_trailer);
    end_copy();
    begin_copy();
    buffer_.append(copy_header);
  }
  if (buffer_.size() < buffer_size) return;
  target_.put_copy(buffer_);
  buffer_.clear();
}

void Loader::begin_copy() {
  kept_rows_ = kept_bytes_ = 0;
  target_.begin_copy({.purpose = apply::Purpose::note, .table = table_}, copy_);
}

void Loader::end_copy() {
  target_.put_copy(buffer_);
  buffer_.clear();
  target_.end_copy({.purpose = apply::Purpose::note, .table = table_});
  target_.read(0);
}

void Loader::put_row(postgres::Memory message, std::string_view tuple) {
  wire::Change change;
  change.kind = wire::RecordKind::insert;
  change.new_tuple = tuple;
  messages_.push_back(std::move(message));
  bytes_ += tuple.size();
  if (table_->order != apply::Order::free || table_->pending.add(change) != NetEffect::Added::taken) {
    rows_.write({.purpose = apply::Purpose::row, .table = table_}, change);
    target_.keep_pace();
  }
  if (messages_.size() >= most_rows || bytes_ >= most_bytes) write_rows();
}

void Loader::write_rows() {
  sets_.write_inserts({.purpose = apply::Purpose::rows, .table = table_});
  table_->pending.clear();
  messages_.clear();
  bytes_ = 0;
  target_.keep_pace();
}

void Loader::close() {
  passing_on_ ? end_copy() : write_rows();
  target_.read(0);
  table_ = nullptr;
}

std::uint64_t Loader::execute(const std::string& sql, const std::vector<std::optional<std::string>>& parameters) {
  target_.query({.purpose = apply::Purpose::note}, sql, parameters);
  target_.sync();
  target_.read(0);
  return hits_;
}

void Loader::commit() {
  target_.repeat({.purpose = apply::Purpose::commit}, "COMMIT");
  target_.sync();
  target_.read(0);
  static_cast<void>(check_.take());
}

void Loader::on_result(const apply::Ticket& ticket, const PGresult* result) {
  if (apply::is_refusal(result)) {
    throw Error{apply::refusal_of(ticket, result, target_.connection(), target_.encoding())};
  }
  switch (ticket.purpose) {
    case apply::Purpose::row:
    case apply::Purpose::rows:
      return check_.on_hits(ticket, apply::hits_of(result));
    case apply::Purpose::types:
      return apply::check_types(ticket, result, target_.connection());
    case apply::Purpose::commit:
      return apply::check_commit(result, target_.connection());
    case apply::Purpose::note:
      hits_ = apply::hits_of(result);
      return;
    default:
      return;
  }
}

}  // namespace walgate::copy
