// piece.hpp - what the receiver hands to the applier: one frame, owned and decoded.
//
// A frame never holds two transactions (extension/PROTOCOL.md), so a piece is a small transaction whole or a part of a
// large one.  The views in `frame` point into `bytes`.
#pragma once

#include <cstdint>
#include <utility>

#include "postgres/libpq.hpp"
#include "wire/decoder.hpp"

namespace walgate {

struct Piece {
  postgres::Memory bytes;
  std::size_t size = 0;  ///< of the frame, in bytes
  wire::Frame frame;
  wire::Begin transaction;  ///< of the transaction that this is a part of

  [[nodiscard]] bool is_first() const noexcept { return frame.begin.has_value(); }
  [[nodiscard]] bool is_last() const noexcept { return frame.commit; }
  /// What it costs in memory.
  [[nodiscard]] std::size_t cost() const noexcept {
    return size + frame.changes.capacity() * sizeof(wire::Change) + sizeof(Piece);
  }
};

}  // namespace walgate
