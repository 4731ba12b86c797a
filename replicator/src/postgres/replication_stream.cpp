#include "postgres/replication_stream.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "wire/reader.hpp"

namespace walgate::postgres {

ReplicationStream::ReplicationStream(Connection connection, const std::string& start_command)
    : connection_{std::move(connection)} {
  connection_.set_phase("receive");
  const auto result = connection_.exec(start_command);
  if (PQresultStatus(result.get()) != PGRES_COPY_BOTH) connection_.throw_result(result.get());
  if (PQsetnonblocking(connection_.handle(), 1) != 0) connection_.throw_lost();
}

StreamMessage ReplicationStream::next() {
  for (bool consumed = false;; consumed = true) {
    char* buffer = nullptr;
    const int size = PQgetCopyData(connection_.handle(), &buffer, 1);
    if (size > 0) return read(Memory{buffer}, size);
    if (size == 0) {
      if (consumed) return NothingYet{};
      if (PQconsumeInput(connection_.handle()) == 0) connection_.throw_lost();
      continue;
    }
    if (size == -2) connection_.throw_lost();
    // End of the copy: either the server ended the command or it failed.
    const Result result{PQgetResult(connection_.handle())};
    if (!result || PQresultStatus(result.get()) == PGRES_COMMAND_OK || PQresultStatus(result.get()) == PGRES_COPY_IN) {
      return StreamEnd{};
    }
    connection_.throw_result(result.get());
  }
}

StreamMessage ReplicationStream::read(Memory message, int size) {
  wire::Reader reader{{message.get(), static_cast<std::size_t>(size)}};
  switch (reader.u8()) {
    case 'w': {
      reader.u64();  // start: for logical decoding the same as the end
      const Lsn wal_end{reader.u64()};
      reader.i64();  // the server's clock
      const auto payload = reader.rest();
      return StreamData{std::move(message), payload, wal_end};
    }
    case 'k': {
      const Lsn wal_end{reader.u64()};
      reader.i64();
      return Keepalive{wal_end, reader.u8() != 0};
    }
    default:
      throw wire::ProtocolError{"replication message of an unknown kind"};
  }
}

void ReplicationStream::send_status(Lsn received, Lsn flushed, Lsn applied) {
  std::array<char, 34> message{};
  std::size_t at = 0;
  const auto put = [&](std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) message[at++] = static_cast<char>(value >> shift);
  };
  // Microseconds between 1970-01-01 and 2000-01-01, PostgreSQL's epoch.
  constexpr std::int64_t postgres_epoch = 946'684'800'000'000;
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
  message[at++] = 'r';
  put(received.value);
  put(flushed.value);
  put(applied.value);
  put(static_cast<std::uint64_t>(now.count() - postgres_epoch));
  message[at++] = 0;
  if (PQputCopyData(connection_.handle(), message.data(), static_cast<int>(at)) < 0) connection_.throw_lost();
  flush();
}

bool ReplicationStream::flush() {
  const int unsent = PQflush(connection_.handle());
  if (unsent < 0) connection_.throw_lost();
  return unsent > 0;
}

}  // namespace walgate::postgres
