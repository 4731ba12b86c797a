// reader.hpp - a session of the source that reads rows as of a snapshot that another session holds.
#pragma once

#include <string>

#include "postgres/connection.hpp"
#include "wire/encoding.hpp"
#include "wire/lsn.hpp"

namespace walgate::copy {

/// The snapshot that rows are read under, and where the source's WAL was.
struct TakenSnapshot {
  std::string text;  ///< pg_snapshot
  std::string id;    ///< under which others may take it
  std::string lock;  ///< the statement by which others get its locks
  Lsn horizon;
};

class Reader {
 public:
  /// `encoding`: of the source, PostgreSQL's name.
  Reader(postgres::Connection source, const std::string& encoding) : source_{std::move(source)}, encoding_{encoding} {}

  /// From here on rows are read as of this snapshot.  False: somebody waits for a lock on one of its tables, and
  /// would keep us waiting; then call leave().
  [[nodiscard]] bool enter(const TakenSnapshot& snapshot);
  void leave() { source_.exec("ROLLBACK"); }

  /// Runs a COPY TO STDOUT (FORMAT binary); `take` is called with each message and its size.  The first begins with
  /// COPY's header, the last is its trailer.
  template <typename Take>
  void read(const std::string& query, Take take);

 private:
  postgres::Connection source_;
  wire::Encoding encoding_;
};

template <typename Take>
void Reader::read(const std::string& query, Take take) {
  using namespace std::chrono_literals;
  source_.exec(encoding_.from_utf8(query));
  for (;;) {
    char* text = nullptr;
    const int size = PQgetCopyData(source_.handle(), &text, 1);
    postgres::Memory message{text};
    if (size > 0) {
      take(std::move(message), static_cast<std::size_t>(size));
    } else if (size == 0) {
      source_.wait_socket(false, -1ms);
      if (PQconsumeInput(source_.handle()) == 0) source_.throw_lost();
    } else {
      break;
    }
  }
  source_.finish_copy();
}

}  // namespace walgate::copy
