// receiver.hpp - the thread that reads the source's stream.
//
// Owns the replication connection.  Turns frames into pieces for the queue, answers keepalives, and acknowledges what
// the target holds durably, whether or not the queue has room.  It lets go of the connection when the target has made
// no step for a while, so that a source can always shut down (walsender.c: at a fast shutdown it waits for our
// acknowledgement without a limit).
#pragma once

#include <chrono>
#include <optional>

#include "batch/acknowledgement.hpp"
#include "batch/piece_queue.hpp"
#include "observe/status.hpp"
#include "postgres/replication_stream.hpp"
#include "wire/decoder.hpp"

namespace walgate::stream {

class Receiver {
 public:
  /// Why run() returned.
  enum class End {
    asked,         ///< `finish` was set
    let_go,        ///< the target makes no progress
    source_ended,  ///< the server closed the stream in good order
  };

  /// `position`: where the target stands.  All references must outlive the receiver, and the receiver (which owns the
  /// relations that pieces point to) must outlive the pieces.
  Receiver(postgres::ReplicationStream stream, Lsn position, PieceQueue& queue, Acknowledgement& acknowledgement,
           StatusBoard& board, const Event& finish);

  /// Throws Error when the connection is lost, ProtocolError when the stream is not what it should be.
  End run();
  /// Closes the replication connection and nothing else.  After run().
  void release() noexcept { stream_.reset(); }

 private:
  using Clock = std::chrono::steady_clock;

  /// Reads what has arrived, until the queue is full.  False when nothing is left to read.
  bool read_some();
  void take_frame(postgres::StreamData data);
  void take_keepalive(const postgres::Keepalive& keepalive);
  void acknowledge(bool now);
  [[nodiscard]] bool is_stalled();
  void wait_for_work();

  std::optional<postgres::ReplicationStream> stream_;  ///< empty after release()
  wire::Decoder decoder_;
  const Lsn start_;
  PieceQueue& queue_;
  Acknowledgement& acknowledgement_;
  StatusBoard& board_;
  const Event& finish_;

  std::optional<Piece> waiting_;  ///< the queue had no room for it
  bool ended_ = false;
  Lsn received_;
  Lsn acknowledged_;
  Clock::time_point last_status_;
  Clock::time_point last_board_;
  std::uint64_t seen_steps_ = 0;
  Clock::time_point last_progress_;
};

}  // namespace walgate::stream
