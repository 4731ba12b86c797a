// feed.hpp - the way from the applier to a sink that follows the target and never holds it up.
//
// What the target has committed is handed on, in order, through a bounded queue.  When the queue is full the feed ends:
// the sink still takes what was handed on before, reads the rest from the source, and asks to be fed again when it has
// come near.  So the sink is never ahead of the target, but for a transaction whose parts come while it is applied.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "batch/piece_queue.hpp"

namespace walgate {

class Feed {
 public:
  explicit Feed(std::uint64_t limit_bytes) : limit_bytes_{limit_bytes} {}

  // The applier's side.

  /// Is anybody fed, or will be from the next position on?
  [[nodiscard]] bool is_wanted() const;
  /// The target holds everything up to `position`, and the applier is between transactions: who has asked is fed from
  /// here on.
  void stands_at(Lsn position);
  /// Pieces in the order of the stream.  The last piece of a transaction only once the target has committed it.
  void put(std::vector<Piece> pieces);
  /// Nothing comes before `lsn` that was not put.
  void put_idle(Lsn lsn);
  /// The applier has ended: nothing more will be put.
  void close();

  // The sink's side.

  /// Asks to be fed, from a position on that fed_from() will tell; what waits in the queue is forgotten.
  void ask();
  /// Does not want to be fed any more.
  void leave();
  /// Where feeding began: every transaction that ends after it is in the queue, or was; nullopt before that, and when
  /// the feed has ended and all that was whole is taken.
  [[nodiscard]] std::optional<Lsn> fed_from() const;
  /// Was it asked and has not begun yet?
  [[nodiscard]] bool is_asked() const;
  /// As those of PieceQueue.  Only while fed.
  [[nodiscard]] std::vector<Piece> take(const BatchLimits& limits);
  [[nodiscard]] std::optional<Piece> take_next();
  [[nodiscard]] std::optional<Lsn> take_idle();
  /// Nothing more will come: the queue was full, or the applier has ended; what is whole can still be taken.
  [[nodiscard]] bool is_ended() const;
  /// Set when anything of this has changed.
  [[nodiscard]] Event& changed() noexcept { return changed_; }

 private:
  enum class State {
    off,
    asked,
    on,
    ended  ///< what is in the queue can still be taken
  };

  const std::uint64_t limit_bytes_;
  mutable std::mutex mutex_;
  State state_ = State::off;
  bool closed_ = false;
  std::optional<Lsn> from_;
  std::unique_ptr<PieceQueue> queue_;
  Event changed_;
};

}  // namespace walgate
