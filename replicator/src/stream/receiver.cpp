#include "stream/receiver.hpp"

#include <array>
#include <variant>

namespace walgate::stream {

namespace {

using namespace std::chrono_literals;

/// A walsender with the default wal_sender_timeout of 60 s gives up after a minute without a word.
constexpr auto status_interval = 5s;
/// The target answers nothing for this long while the queue is full: let go.
constexpr auto patience = 30s;

}  // namespace

Receiver::Receiver(postgres::ReplicationStream stream, Lsn position, PieceQueue& queue,
                   Acknowledgement& acknowledgement, StatusBoard& board, const Event& finish)
    : stream_{std::move(stream)},
      start_{position},
      queue_{queue},
      acknowledgement_{acknowledgement},
      board_{board},
      finish_{finish},
      received_{position},
      acknowledged_{acknowledgement.confirmable()},
      last_status_{Clock::now()},
      last_board_{last_status_},
      last_progress_{last_status_} {}

Receiver::End Receiver::run() {
  while (!finish_.is_set()) {
    if (waiting_ && queue_.try_put(*waiting_)) waiting_.reset();
    const bool more = !waiting_ && read_some();
    if (ended_) return End::source_ended;
    acknowledge(false);
    if (waiting_ && is_stalled()) return End::let_go;
    if (!more) wait_for_work();
  }
  acknowledge(true);
  return End::asked;
}

bool Receiver::read_some() {
  // Now and then the acknowledgement has its turn, also when the source never stops talking.
  for (int messages = 0; messages < 64; ++messages) {
    auto message = stream_->next();
    if (std::holds_alternative<postgres::NothingYet>(message)) return false;
    if (std::holds_alternative<postgres::StreamEnd>(message)) {
      ended_ = true;
      return false;
    }
    if (auto* data = std::get_if<postgres::StreamData>(&message)) {
      take_frame(std::move(*data));
      if (waiting_) return false;
    } else if (const auto* keepalive = std::get_if<postgres::Keepalive>(&message)) {
      take_keepalive(*keepalive);
    }
  }
  return true;
}

void Receiver::take_frame(postgres::StreamData data) {
  const auto before = decoder_.open_transaction();
  Piece piece;
  piece.size = data.payload.size();
  piece.frame = decoder_.decode(data.payload);
  piece.bytes = FrameBytes{data.message.release(), PQfreemem};
  if (piece.frame.begin) {
    piece.transaction = *piece.frame.begin;
  } else if (before) {
    piece.transaction = *before;
  } else {
    return;  // a message outside of transactions: nobody asked for it
  }
  if (piece.is_last()) received_ = piece.transaction.end_lsn;
  if (piece.transaction.end_lsn <= start_) return;  // the target has it already
  if (!queue_.try_put(piece)) waiting_ = std::move(piece);
}

void Receiver::take_keepalive(const postgres::Keepalive& keepalive) {
  // A keepalive inside a transaction says nothing about the transaction's end.
  if (!decoder_.open_transaction() && keepalive.wal_end > received_) {
    received_ = keepalive.wal_end;
    queue_.put_idle(keepalive.wal_end);
  }
  if (keepalive.reply_requested) acknowledge(true);
}

void Receiver::acknowledge(bool now) {
  // A sink that joins may need what the source was told to forget already, and has it from elsewhere.
  const auto durable = std::max(acknowledged_, acknowledgement_.confirmable());
  const auto time = Clock::now();
  if (time - last_board_ >= 100ms) {
    last_board_ = time;
    board_.update([&](Status& status) { status.received_lsn = std::max(status.received_lsn, received_); });
  }
  if (!now && durable == acknowledged_ && time - last_status_ < status_interval) return;
  acknowledged_ = durable;
  last_status_ = time;
  stream_->send_status(received_, acknowledged_, acknowledgement_.applied());
}

bool Receiver::is_stalled() {
  const auto steps = acknowledgement_.steps();
  if (steps != seen_steps_) {
    seen_steps_ = steps;
    last_progress_ = Clock::now();
  }
  return Clock::now() - last_progress_ >= patience;
}

void Receiver::wait_for_work() {
  if (!waiting_) last_progress_ = Clock::now();
  const bool unsent = stream_->flush();
  auto descriptors = std::to_array<pollfd>({{finish_.descriptor(), POLLIN, 0},
                                            {acknowledgement_.changed().descriptor(), POLLIN, 0},
                                            {waiting_ ? queue_.room().descriptor() : -1, POLLIN, 0},
                                            {waiting_ && !unsent ? -1 : stream_->socket(),
                                             static_cast<short>((waiting_ ? 0 : POLLIN) | (unsent ? POLLOUT : 0)), 0}});
  wait_for(descriptors, 1s);
  // Cleared before the next look at what they stand for: what happens after that look sets them again.
  queue_.room().clear();
  acknowledgement_.changed().clear();
}

}  // namespace walgate::stream
