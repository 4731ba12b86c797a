// http.hpp - the status over HTTP: `GET /status` is the document of status_json, `GET /health` tells a supervisor or a
// load balancer whether the service is at work.
//
// Nothing is authenticated, so the listener stays on loopback unless the configuration says otherwise, and nothing that
// it tells holds a value of a user's row.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "observe/status.hpp"

namespace walgate {

/// Answers from threads of its own until it goes out of scope.
class StatusListener {
 public:
  /// Takes the address; port 0 takes any free one.  The board must live longer.  Throws Error listen_failed.
  StatusListener(const std::string& host, std::uint16_t port, const StatusBoard& board);
  StatusListener(const StatusListener&) = delete;
  StatusListener& operator=(const StatusListener&) = delete;
  ~StatusListener();

  /// The port that is listened on.
  [[nodiscard]] std::uint16_t port() const noexcept;

 private:
  struct Server;  // keeps httplib out of this header
  std::unique_ptr<Server> server_;
};

/// The body of `GET /status` from a listener, nullopt when none answers in time with code 200.
[[nodiscard]] std::optional<std::string> fetch_status(const std::string& host, std::uint16_t port,
                                                      std::chrono::milliseconds timeout = std::chrono::seconds{2});

}  // namespace walgate
