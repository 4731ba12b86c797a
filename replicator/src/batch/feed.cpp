#include "batch/feed.hpp"

#include <utility>

namespace walgate {

bool Feed::is_wanted() const {
  const std::lock_guard lock{mutex_};
  return state_ == State::on || state_ == State::asked;
}

void Feed::stands_at(Lsn position) {
  const std::lock_guard lock{mutex_};
  if (state_ != State::asked || closed_) return;
  queue_ = std::make_unique<PieceQueue>(limit_bytes_);
  from_ = position;
  state_ = State::on;
  changed_.set();
}

void Feed::put(std::vector<Piece> pieces) {
  const std::lock_guard lock{mutex_};
  if (state_ != State::on || pieces.empty()) return;
  for (auto& piece : pieces) {
    if (queue_->try_put(piece)) continue;
    state_ = State::ended;
    break;
  }
  changed_.set();
}

void Feed::put_idle(Lsn lsn) {
  const std::lock_guard lock{mutex_};
  if (state_ != State::on) return;
  queue_->put_idle(lsn);
  changed_.set();
}

void Feed::close() {
  const std::lock_guard lock{mutex_};
  closed_ = true;
  state_ = state_ == State::on ? State::ended : state_ == State::asked ? State::off : state_;
  changed_.set();
}

void Feed::ask() {
  const std::lock_guard lock{mutex_};
  queue_.reset();
  from_.reset();
  state_ = closed_ ? State::off : State::asked;
}

void Feed::leave() {
  const std::lock_guard lock{mutex_};
  queue_.reset();
  from_.reset();
  state_ = State::off;
}

std::optional<Lsn> Feed::fed_from() const {
  const std::lock_guard lock{mutex_};
  return from_;
}

bool Feed::is_asked() const {
  const std::lock_guard lock{mutex_};
  return state_ == State::asked;
}

std::vector<Piece> Feed::take(const BatchLimits& limits) {
  const std::lock_guard lock{mutex_};
  return queue_->take(limits);
}

std::optional<Piece> Feed::take_next() {
  const std::lock_guard lock{mutex_};
  return queue_->take_next();
}

std::optional<Lsn> Feed::take_idle() {
  const std::lock_guard lock{mutex_};
  return queue_->take_idle();
}

bool Feed::is_ended() const {
  const std::lock_guard lock{mutex_};
  return state_ == State::ended || state_ == State::off;
}

}  // namespace walgate
