// connection.hpp - one server session, used by one thread.
//
// Every wait also watches the stop event of its owner, so that no server can keep the service from leaving.
#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "errors/error.hpp"
#include "postgres/libpq.hpp"
#include "postgres/server_error.hpp"
#include "sync/event.hpp"

namespace walgate::postgres {

/// Thrown out of a wait when the stop event is set.  No failure: the owner wanted it.
struct Interrupted {};

/// What a connection is opened with.
struct ConnectionOptions {
  std::string conninfo;  ///< libpq's rules hold: service files, passfile, environment
  Side side = Side::source;
  bool replication = false;                                   ///< a walsender of the database
  std::string application_name;                               ///< when the conninfo names none
  std::vector<std::pair<std::string, std::string>> settings;  ///< SET once the session is open, over the role's own
  std::string client_encoding;                                ///< empty: the server's own encoding of the database
};

class Connection {
 public:
  /// Opens a session.  `stop` must outlive it; may be null.  Throws Error, Interrupted.
  Connection(const ConnectionOptions& options, const Event* stop);

  /// One or more statements as one simple query; the last result.  Throws Error, Interrupted.
  Result exec(const std::string& sql);
  /// One statement with text parameters; nullopt is null.  Not on a replication connection.
  Result exec(const std::string& sql, const std::vector<std::optional<std::string>>& parameters);
  /// Like exec, but an error comes back as a result.
  Result try_exec(const std::string& sql);

  /// Asks the server to give up the statement that runs, which closing the session would not make it do.  Whether it
  /// got there in time, nobody tells.
  void cancel() const noexcept;

  /// After the last row of a COPY TO: how it ended.  Throws Error.
  void finish_copy();

  /// Parses a statement without running it: what the server has against it, nullopt when nothing.  Throws Error only
  /// when the connection is lost.
  std::optional<std::string> try_prepare(const std::string& sql, const std::vector<Oid>& types);

  [[nodiscard]] PGconn* handle() const noexcept { return connection_.get(); }
  [[nodiscard]] const Event* stop() const noexcept { return stop_; }
  [[nodiscard]] int server_version() const noexcept { return PQserverVersion(connection_.get()); }
  /// What messages of this session's failures say about what it was doing.
  void set_phase(std::string_view phase) { phase_ = phase; }
  [[nodiscard]] const std::string& phase() const noexcept { return phase_; }

  /// Waits until the socket can be read (and written, when `write`).  False when the time ran out.  Throws Interrupted.
  bool wait_socket(bool write, std::chrono::milliseconds timeout) const;
  /// Throws the connection's present failure as connection_lost.
  [[noreturn]] void throw_lost() const;
  [[noreturn]] void throw_result(const PGresult* result) const;

 private:
  Result collect();

  std::unique_ptr<PGconn, Releaser<PQfinish>> connection_;
  Side side_;
  const Event* stop_;
  std::string phase_ = "connect";
};

/// The text of one field; nullopt for null.
[[nodiscard]] std::optional<std::string> field(const Result& result, int row, int column);
/// The text of a field that cannot be null.
[[nodiscard]] std::string text_field(const Result& result, int row, int column);
[[nodiscard]] bool bool_field(const Result& result, int row, int column);
/// Throws Error(internal_error) when the text is no such number or position.
[[nodiscard]] std::int64_t number_field(const Result& result, int row, int column);
/// A number that is not below zero.
[[nodiscard]] inline std::uint64_t count_field(const Result& result, int row, int column) {
  return static_cast<std::uint64_t>(number_field(result, row, column));
}
[[nodiscard]] Lsn lsn_field(const Result& result, int row, int column);
/// A one-dimensional text[] in the server's text form.
[[nodiscard]] std::vector<std::string> list_field(const Result& result, int row, int column);
[[nodiscard]] inline int rows(const Result& result) noexcept {
  return PQntuples(result.get());
}

}  // namespace walgate::postgres
