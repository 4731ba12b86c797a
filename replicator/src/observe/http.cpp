// http.cpp - on cpp-httplib's compiled library.
//
// The library is built with TLS support, which changes the layout of its classes: whoever includes its header must say
// so too.
#define CPPHTTPLIB_OPENSSL_SUPPORT
#include "observe/http.hpp"

#include <httplib.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "observe/failure_json.hpp"

namespace walgate {
namespace {

constexpr std::size_t workers = 4;
constexpr std::size_t longest_request_bytes = 64 * 1024;
// Short, because the end of the service waits for the requests in flight.
constexpr std::chrono::seconds client_patience{1};

// Threads inherit the mask: the process's signals stay with the thread that waits for them.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

// httplib's own default is SO_REUSEPORT, with which a second service would share the port in silence.
void refuse_a_second_listener(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

bool is_at_work(ServiceState state) {
  return state != ServiceState::stopped;
}

std::string health_json(const Status& status) {
  return dump({{"pipeline", status.pipeline}, {"state", text_of(status.state)}}) + '\n';
}

}  // namespace

struct StatusListener::Server {
  httplib::Server http;
  std::uint16_t port = 0;
  std::jthread thread;  // the last member: it ends before the rest goes

  ~Server() { http.stop(); }
};

StatusListener::StatusListener(const std::string& host, std::uint16_t port, const StatusBoard& board)
    : server_{std::make_unique<Server>()} {
  httplib::Server& http = server_->http;
  http.Get("/status", [&board](const httplib::Request&, httplib::Response& response) {
    response.set_content(status_json(board.snapshot()) + '\n', "application/json");
  });
  http.Get("/health", [&board](const httplib::Request&, httplib::Response& response) {
    const Status status = board.snapshot();
    response.status = is_at_work(status.state) ? 200 : 503;
    response.set_content(health_json(status), "application/json");
  });
  http.set_socket_options(refuse_a_second_listener);
  http.set_keep_alive_max_count(1);
  http.set_keep_alive_timeout(client_patience.count());
  http.set_read_timeout(client_patience);
  http.set_write_timeout(client_patience);
  http.set_payload_max_length(longest_request_bytes);
  // The library takes ownership of the raw pointer.
  http.new_task_queue = [] { return std::make_unique<httplib::ThreadPool>(workers).release(); };

  errno = 0;
  const int bound = port == 0 ? http.bind_to_any_port(host) : http.bind_to_port(host, port) ? port : -1;
  if (bound <= 0) {
    const int error = errno;
    throw Error{{.name = ErrorName::listen_failed,
                 .message = fmt::format("could not listen on {}:{}{}{}", host, port, error == 0 ? "" : ": ",
                                        error == 0 ? "" : std::generic_category().message(error)),
                 .phase = "connect"}};
  }
  server_->port = static_cast<std::uint16_t>(bound);
  const SignalsBlocked blocked;
  server_->thread = std::jthread{[&http] { http.listen_after_bind(); }};
  // stop() does nothing before the loop has begun, so that the thread could not be ended.
  while (!http.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds{1});
}

StatusListener::~StatusListener() = default;

std::uint16_t StatusListener::port() const noexcept {
  return server_->port;
}

std::optional<std::string> fetch_status(const std::string& host, std::uint16_t port,
                                        std::chrono::milliseconds timeout) {
  httplib::Client client{host, port};
  client.set_connection_timeout(timeout);
  client.set_read_timeout(timeout);
  client.set_write_timeout(timeout);
  client.set_keep_alive(false);
  const httplib::Result result = client.Get("/status");
  if (!result || result->status != 200) return std::nullopt;
  return result->body;
}

}  // namespace walgate
