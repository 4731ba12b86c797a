// pipeline.hpp - statements sent without waiting for their results, in libpq's pipeline mode.
//
// Each statement carries a ticket; results come back in order, and the owner's handler gets them with their
// tickets.  The connection is non-blocking and reading is interleaved with sending, because a client that only sends
// and a server that only answers block each other (libpq's manual, "Pipeline Mode").  After an error the server skips
// everything up to the next sync.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <span>

#include "postgres/connection.hpp"

namespace walgate::postgres {

/// Parameters of one prepared statement, as libpq wants them.  The pointers must live until `send` returns.
struct Parameters {
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;

  void clear() noexcept {
    values.clear();
    lengths.clear();
    formats.clear();
    terminated_.clear();
  }
  /// Null when `value` is null.  libpq reads a text value to its zero byte, whatever the length says, so it is copied.
  void add(const char* value, int length, bool binary) {
    if (value != nullptr && !binary) value = terminated_.emplace_back(value, static_cast<std::size_t>(length)).c_str();
    values.push_back(value);
    lengths.push_back(length);
    formats.push_back(binary ? 1 : 0);
  }

 private:
  std::deque<std::string> terminated_;
};

template <typename Ticket>
class Pipeline {
 public:
  /// Puts `connection`, which must outlive it, into pipeline mode.
  explicit Pipeline(Connection& connection) : connection_{connection} {
    if (PQsetnonblocking(handle(), 1) != 0 || PQenterPipelineMode(handle()) == 0) connection_.throw_lost();
  }
  /// Leaves pipeline mode where nothing is outstanding; a connection in another state is of no more use.
  ~Pipeline() {
    if (in_flight_.empty() && PQexitPipelineMode(handle()) != 0) PQsetnonblocking(handle(), 0);
  }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  void prepare(Ticket ticket, const std::string& name, const std::string& sql, std::span<const Oid> types) {
    check(PQsendPrepare(handle(), name.c_str(), sql.c_str(), static_cast<int>(types.size()), types.data()));
    sent(ticket);
  }
  /// `binary`: the result's fields come as their types' send functions write them.
  void execute(Ticket ticket, const std::string& name, const Parameters& parameters, bool binary = false) {
    std::size_t bytes = name.size();
    for (const int length : parameters.lengths) bytes += static_cast<std::size_t>(length);
    check(PQsendQueryPrepared(handle(), name.c_str(), static_cast<int>(parameters.values.size()),
                              parameters.values.data(), parameters.lengths.data(), parameters.formats.data(), binary ? 1 : 0));
    sent(ticket, bytes);
  }
  /// A statement that is not worth preparing, with text parameters.
  void query(Ticket ticket, const std::string& sql, const std::vector<std::optional<std::string>>& parameters = {}) {
    std::vector<const char*> values;
    for (const auto& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
    check(PQsendQueryParams(handle(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                            nullptr, 0));
    sent(ticket);
  }
  /// The end of a unit: after an error the server goes on behind it.
  void sync(Ticket ticket) {
    check(PQpipelineSync(handle()));
    sent(ticket);
  }

  /// Out of pipeline mode and back, while nothing is outstanding.  The connection stays non-blocking.
  void leave() { check(PQexitPipelineMode(handle())); }
  void enter() { check(PQenterPipelineMode(handle())); }

  /// Bytes of parameters whose statements have not been answered.
  [[nodiscard]] std::size_t bytes_in_flight() const noexcept { return bytes_in_flight_; }

  /// Asks the server to send the results that it has, however few.
  void request_results() { check(PQsendFlushRequest(handle())); }

  /// Sends and reads what can be without waiting, then waits until at most `most` results are outstanding.
  /// `handler(const Ticket&, const PGresult*)` gets each result, PGRES_PIPELINE_SYNC and PGRES_PIPELINE_ABORTED ones
  /// included; what it throws leaves the rest outstanding.
  template <typename Handler>
  void drain(std::size_t most, Handler&& handler) {
    if (in_flight_.size() > most) check(PQsendFlushRequest(handle()));
    pump(handler);
    while (in_flight_.size() > most) {
      const bool unsent = flush();
      connection_.wait_socket(unsent, std::chrono::milliseconds{-1});
      pump(handler);
    }
  }

 private:
  [[nodiscard]] PGconn* handle() const noexcept { return connection_.handle(); }

  void check(int accepted) const {
    if (accepted == 0) connection_.throw_lost();
  }

  void sent(const Ticket& ticket, std::size_t bytes = 0) {
    in_flight_.push_back({ticket, bytes});
    bytes_in_flight_ += bytes;
  }

  bool flush() {
    const int unsent = PQflush(handle());
    if (unsent < 0) connection_.throw_lost();
    return unsent > 0;
  }

  template <typename Handler>
  void pump(Handler& handler) {
    flush();
    if (PQconsumeInput(handle()) == 0) connection_.throw_lost();
    while (!in_flight_.empty() && PQisBusy(handle()) == 0) {
      const Result result{PQgetResult(handle())};
      if (!result) {  // the end of one statement's results
        if (PQstatus(handle()) == CONNECTION_BAD) connection_.throw_lost();
        continue;
      }
      const auto status = PQresultStatus(result.get());
      const auto [ticket, bytes] = in_flight_.front();
      in_flight_.pop_front();
      bytes_in_flight_ -= bytes;
      if (status != PGRES_PIPELINE_SYNC) {
        // One result per statement, then a null; a sync has no null behind it.
        while (const Result end{PQgetResult(handle())}) {
        }
      }
      handler(ticket, result.get());
    }
  }

  Connection& connection_;
  std::deque<std::pair<Ticket, std::size_t>> in_flight_;  ///< with the bytes of their parameters
  std::size_t bytes_in_flight_ = 0;
};

}  // namespace walgate::postgres
