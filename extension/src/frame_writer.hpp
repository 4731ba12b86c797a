// frame_writer.hpp - format `binary`: records of PROTOCOL.md, gathered into frames.
#pragma once

#include "change.hpp"

namespace walgate {

class FrameWriter {
 public:
  void open(MemoryContext context) {
    buffer_.open(context);
    greeted_ = false;
  }

  /// Cuts off what an error left half written.
  void discard_partial() { buffer_.discard_partial(); }

  // One record each.  The buffer is written when it has reached a frame's size: inserts, updates, deletes and
  // truncates look, so that a frame ends between two changes.
  void begin(LogicalDecodingContext* ctx, const Transaction& transaction);
  void relation(LogicalDecodingContext* ctx, const RelationEntry& entry);
  void change(LogicalDecodingContext* ctx, RelationEntry& entry, const RowChange& change);
  void rewrite(LogicalDecodingContext* ctx, const RelationEntry& entry);
  void truncate(LogicalDecodingContext* ctx, const Truncation& truncation);
  /// One that is not transactional is written at once.
  void message(LogicalDecodingContext* ctx, const LogicalMessage& message);
  /// Written at once: an idle client confirms what follows, and there is no later call.
  void commit(LogicalDecodingContext* ctx, const Transaction& transaction);

 private:
  void greet();
  void write_if_full(LogicalDecodingContext* ctx) {
    if (buffer_.size() >= wire::frame_bytes) write(ctx);
  }
  void write(LogicalDecodingContext* ctx);

  RecordBuffer buffer_;
  bool greeted_;  ///< hello has been written
};

}  // namespace walgate
