#include "batch/piece_queue.hpp"

#include <algorithm>
#include <utility>

namespace walgate {

bool PieceQueue::try_put(Piece& piece) {
  const std::lock_guard lock{mutex_};
  const auto cost = piece.cost();
  if (!pieces_.empty() && bytes_ + cost > limit_bytes_) {
    receiver_waits_ = true;
    return false;
  }
  bytes_ += cost;
  if (piece.is_last()) ++commits_;
  idle_.reset();  // the piece's own position will say more
  pieces_.push_back(std::move(piece));
  if (pieces_.size() == 1 || pieces_.back().is_last()) filled_.set();
  return true;
}

void PieceQueue::put_idle(Lsn lsn) {
  const std::lock_guard lock{mutex_};
  idle_ = lsn;
  if (pieces_.empty()) filled_.set();
}

Piece PieceQueue::pop() {
  Piece piece = std::move(pieces_.front());
  pieces_.pop_front();
  bytes_ -= piece.cost();
  if (piece.is_last()) --commits_;
  if (receiver_waits_ && bytes_ <= limit_bytes_ / 2) {
    receiver_waits_ = false;
    room_.set();
  }
  return piece;
}

std::vector<Piece> PieceQueue::take(const BatchLimits& limits) {
  const std::lock_guard lock{mutex_};
  std::vector<Piece> taken;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t transactions = 1;
  while (!pieces_.empty()) {
    if ((taken.empty() || taken.back().is_last()) && pieces_.front().transaction.end_lsn > limits.position) break;
    // The first transaction is taken whether or not its end has arrived; further ones only whole and within the limits.
    if (taken.empty() || !taken.back().is_last()) {
      if (rows >= limits.rows || bytes >= limits.bytes) break;  // a large one goes on with take_next()
      rows += pieces_.front().frame.changes.size();
      bytes += pieces_.front().size;
      taken.push_back(pop());
      continue;
    }
    if (transactions >= limits.transactions) break;
    const auto end = std::ranges::find_if(pieces_, &Piece::is_last);
    if (end == pieces_.end()) break;
    std::uint64_t next_rows = 0;
    std::uint64_t next_bytes = 0;
    for (auto piece = pieces_.begin(); piece <= end; ++piece) {
      next_rows += piece->frame.changes.size();
      next_bytes += piece->size;
    }
    if (rows + next_rows > limits.rows || bytes + next_bytes > limits.bytes) break;
    taken.push_back(pop());
    ++transactions;
    rows += next_rows;
    bytes += next_bytes;
    while (!taken.back().is_last()) taken.push_back(pop());
  }
  return taken;
}

std::optional<Piece> PieceQueue::take_next() {
  const std::lock_guard lock{mutex_};
  if (pieces_.empty()) return std::nullopt;
  return pop();
}

std::optional<Lsn> PieceQueue::next_position() const {
  const std::lock_guard lock{mutex_};
  if (pieces_.empty()) return std::nullopt;
  return pieces_.front().transaction.end_lsn;
}

std::optional<Lsn> PieceQueue::take_idle() {
  const std::lock_guard lock{mutex_};
  if (!pieces_.empty()) return std::nullopt;
  return std::exchange(idle_, std::nullopt);
}

void PieceQueue::close() {
  const std::lock_guard lock{mutex_};
  closed_ = true;
  filled_.set();
}

bool PieceQueue::is_closed() const {
  const std::lock_guard lock{mutex_};
  return closed_;
}

bool PieceQueue::is_exhausted() const {
  const std::lock_guard lock{mutex_};
  return closed_ && pieces_.empty();
}

std::uint64_t PieceQueue::waiting_transactions() const {
  const std::lock_guard lock{mutex_};
  return commits_;
}

}  // namespace walgate
