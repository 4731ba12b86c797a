// piece_builder.hpp - pieces for the queue and for what is made of them.
#pragma once

#include <cstdlib>
#include <cstring>
#include <string>

#include "batch/piece.hpp"
#include "wire/frame_builder.hpp"

namespace walgate::test {

/// The piece that a receiver would make of these bytes.  The decoder must live as long as the piece.
inline Piece piece_of(wire::Decoder& decoder, const std::string& bytes) {
  const auto before = decoder.open_transaction();
  Piece piece;
  piece.bytes = FrameBytes{static_cast<char*>(std::malloc(bytes.size())), std::free};
  std::memcpy(piece.bytes.get(), bytes.data(), bytes.size());
  piece.size = bytes.size();
  piece.frame = decoder.decode({piece.bytes.get(), piece.size});
  piece.transaction = piece.frame.begin ? *piece.frame.begin : *before;
  return piece;
}

}  // namespace walgate::test
