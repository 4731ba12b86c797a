// piece.hpp - what the receiver hands to the applier: one frame, owned and decoded.
//
// A frame never holds two transactions (extension/PROTOCOL.md), so a piece is a small transaction whole or a part of a
// large one.  The views in `frame` point into `bytes`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "wire/decoder.hpp"

namespace walgate {

/// Bytes with whatever releases them; the network's come from libpq, tests' from the heap.
using FrameBytes = std::unique_ptr<char, void (*)(void*)>;

/// What a change leaves out because it did not change (unchanged TOAST), from elsewhere.
struct CompleteImage {
  std::size_t change = 0;  ///< index in the frame's changes
  std::string tuple;       ///< as a row image; what is not known stays out of it, too
};

/// A frame on its way.  Move-only; moving keeps the views valid.
struct Piece {
  FrameBytes bytes{nullptr, [](void*) {}};
  std::size_t size = 0;  ///< of the frame, in bytes
  wire::Frame frame;
  wire::Begin transaction;               ///< of the transaction that this is a part of
  std::vector<CompleteImage> completed;  ///< in the order of the changes; of those that were asked for

  [[nodiscard]] bool is_first() const noexcept { return frame.begin.has_value(); }
  [[nodiscard]] bool is_last() const noexcept { return frame.commit; }
  /// What it costs in memory.
  [[nodiscard]] std::size_t cost() const noexcept {
    auto total = size + frame.changes.capacity() * sizeof(wire::Change) + sizeof(Piece);
    for (const auto& image : completed) total += image.tuple.size();
    return total;
  }
};

}  // namespace walgate
