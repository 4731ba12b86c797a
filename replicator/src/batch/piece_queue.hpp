// piece_queue.hpp - the bounded way from the receiver to the applier, counted in bytes.
//
// One thread puts, one takes.  Each side has an event that the other sets, so that both can wait for it next to their
// sockets.  The idle position travels along: it says "everything up to here has been sent", and holds once all pieces
// that were put before it are applied.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <mutex>
#include <optional>
#include <vector>

#include "batch/piece.hpp"
#include "sync/event.hpp"

namespace walgate {

/// Bounds of what one target transaction takes; a transaction is never split by them.
struct BatchLimits {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t transactions = std::numeric_limits<std::uint64_t>::max();
  Lsn position{std::numeric_limits<std::uint64_t>::max()};  ///< of the last one that may be taken: its end_lsn
};

class PieceQueue {
 public:
  explicit PieceQueue(std::uint64_t limit_bytes) : limit_bytes_{limit_bytes} {}

  /// The receiver's side.  Takes the piece unless the queue is full; a piece larger than the limit enters an empty
  /// queue.
  [[nodiscard]] bool try_put(Piece& piece);
  /// Everything up to `lsn` has been put.  Only between transactions.
  void put_idle(Lsn lsn);
  /// Nothing more will be put: the applier finishes what is whole.
  void close();
  /// Set when there may be room again.
  [[nodiscard]] Event& room() noexcept { return room_; }

  /// The applier's side.  Either whole transactions up to the limits (at least one), or the first pieces of a
  /// transaction whose end has not arrived, alone.  Empty when there is nothing.
  [[nodiscard]] std::vector<Piece> take(const BatchLimits& limits);
  /// The next piece of the transaction that take() began with; nullopt while it has not arrived.
  [[nodiscard]] std::optional<Piece> take_next();
  /// Of the transaction that waits first: its end_lsn; nullopt when none waits.
  [[nodiscard]] std::optional<Lsn> next_position() const;
  /// The idle position, when no piece is waiting.  Taken at most once.
  [[nodiscard]] std::optional<Lsn> take_idle();
  /// Set when something was put.
  [[nodiscard]] Event& filled() noexcept { return filled_; }

  [[nodiscard]] bool is_closed() const;
  /// Closed, and nothing is left to take.
  [[nodiscard]] bool is_exhausted() const;
  /// Whole transactions that wait.
  [[nodiscard]] std::uint64_t waiting_transactions() const;

 private:
  Piece pop();

  const std::uint64_t limit_bytes_;
  mutable std::mutex mutex_;
  std::deque<Piece> pieces_;
  std::uint64_t bytes_ = 0;
  std::uint64_t commits_ = 0;  ///< last pieces among pieces_
  std::optional<Lsn> idle_;
  bool receiver_waits_ = false;
  bool closed_ = false;
  Event room_;
  Event filled_;
};

}  // namespace walgate
