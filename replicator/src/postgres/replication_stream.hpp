// replication_stream.hpp - the streaming part of a replication connection.
//
// Owns the connection from START_REPLICATION on.  Source: PostgreSQL replication/walsender.c and the protocol chapter
// "Streaming Replication Protocol".
#pragma once

#include <chrono>
#include <string_view>
#include <variant>

#include "postgres/connection.hpp"

namespace walgate::postgres {

/// One XLogData message; `payload` points into `message`.
struct StreamData {
  Memory message;
  std::string_view payload;
  Lsn wal_end;
};

/// A keepalive: everything up to `wal_end` has been sent.
struct Keepalive {
  Lsn wal_end;
  bool reply_requested = false;
};

/// Nothing to read at the moment.
struct NothingYet {};

/// The server ended the stream in good order.
struct StreamEnd {};

using StreamMessage = std::variant<NothingYet, StreamData, Keepalive, StreamEnd>;

class ReplicationStream {
 public:
  /// Starts streaming on an open replication connection.  Throws Error.
  ReplicationStream(Connection connection, const std::string& start_command);

  /// The next message without waiting.  Throws Error when the server reports one or the connection is lost.
  StreamMessage next();
  /// Tells the server what was received, is durable, is applied.
  void send_status(Lsn received, Lsn flushed, Lsn applied);
  [[nodiscard]] int socket() const noexcept { return PQsocket(connection_.handle()); }
  /// Sends what is still unsent; true when something is left.
  bool flush();

 private:
  StreamMessage read(Memory message, int size);

  Connection connection_;
};

}  // namespace walgate::postgres
