// http_test.cpp - the listener on a free port of the loopback, asked by our own client.

#include "observe/http.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "errors/error.hpp"

namespace walgate {
namespace {

using namespace std::chrono_literals;

// A TCP connection to the loopback, which httplib knows nothing of.
class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port) : socket_{socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;
  ~RawConnection() { close(socket_); }

  [[nodiscard]] bool connected() const { return connected_; }
  // Sends, and reads until the other side closes.
  std::string ask(const std::string& text) {
    EXPECT_EQ(send(socket_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    std::string answer;
    char buffer[4096];
    for (ssize_t got = 0; (got = recv(socket_, buffer, sizeof buffer, 0)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(got));
    return answer;
  }

 private:
  int socket_;
  bool connected_ = false;
};

std::string get(std::uint16_t port, const std::string& path) {
  return RawConnection{port}.ask("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
}
std::string status_line(const std::string& answer) {
  return answer.substr(0, answer.find('\r'));
}

class Listening : public testing::Test {
 protected:
  StatusBoard board_;
  StatusListener listener_{"127.0.0.1", 0, board_};
};

TEST_F(Listening, AnswersWithTheStatus) {
  board_.update([](Status& status) {
    status.pipeline = "orders";
    status.state = ServiceState::streaming;
  });
  const auto body = fetch_status("127.0.0.1", listener_.port());
  ASSERT_TRUE(body);
  EXPECT_EQ(*body, status_json(board_.snapshot()) + '\n');
}

TEST_F(Listening, IsHealthyWhileTheServiceIsAtWork) {
  for (const ServiceState state : {ServiceState::starting, ServiceState::streaming, ServiceState::retrying}) {
    board_.update([&](Status& status) { status.state = state; });
    EXPECT_EQ(status_line(get(listener_.port(), "/health")), "HTTP/1.1 200 OK") << text_of(state);
  }
  board_.update([](Status& status) { status.state = ServiceState::stopped; });
  EXPECT_EQ(status_line(get(listener_.port(), "/health")), "HTTP/1.1 503 Service Unavailable");
}

TEST_F(Listening, KnowsNoOtherPaths) {
  EXPECT_EQ(status_line(get(listener_.port(), "/")), "HTTP/1.1 404 Not Found");
  EXPECT_EQ(status_line(get(listener_.port(), "/status/../../etc/passwd")), "HTTP/1.1 404 Not Found");
}

TEST_F(Listening, SurvivesRequestsThatAreNone) {
  RawConnection{listener_.port()}.ask("nonsense\r\n\r\n");
  RawConnection{listener_.port()}.ask(std::string(100'000, 'x') + "\r\n\r\n");
  EXPECT_TRUE(fetch_status("127.0.0.1", listener_.port()));
}

TEST_F(Listening, RefusesASecondListenerOnItsPort) {
  try {
    const StatusListener second{"127.0.0.1", listener_.port(), board_};
    FAIL() << "two listeners share a port";
  } catch (const Error& error) {
    EXPECT_EQ(error.failure().name, ErrorName::listen_failed);
    EXPECT_EQ(error.failure().message,
              "could not listen on 127.0.0.1:" + std::to_string(listener_.port()) + ": Address already in use");
  }
}

TEST(StatusListener, LeavesTheSignalMaskOfTheCallingThreadAsItWas) {
  sigset_t none;
  sigemptyset(&none);
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, &none, &before);
  const StatusBoard board;
  const StatusListener listener{"127.0.0.1", 0, board};
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, &before, &after);
  EXPECT_EQ(sigismember(&after, SIGTERM), 0);
}

TEST(StatusListener, FreesItsPortWhenItEnds) {
  const StatusBoard board;
  std::uint16_t port = 0;
  {
    const StatusListener first{"127.0.0.1", 0, board};
    port = first.port();
  }
  EXPECT_FALSE(fetch_status("127.0.0.1", port));
  const StatusListener again{"127.0.0.1", port, board};
  EXPECT_TRUE(fetch_status("127.0.0.1", port));
}

TEST(StatusListener, EndsWhileAClientSaysNothing) {
  const StatusBoard board;
  std::optional<StatusListener> listener{std::in_place, "127.0.0.1", std::uint16_t{0}, board};
  const RawConnection silent{listener->port()};
  ASSERT_TRUE(silent.connected());
  listener.reset();  // would hang the test if it waited for the client
}

TEST(StatusListener, RefusesAHostThatDoesNotExist) {
  const StatusBoard board;
  EXPECT_THROW((StatusListener{"no-such-host.invalid", 8432, board}), Error);
  EXPECT_THROW((StatusListener{"192.0.2.1", 8432, board}), Error) << "an address of another machine";
}

// Someone else's server: takes connections and says nothing.
class MuteServer {
 public:
  MuteServer() : socket_{socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(socket_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(socket_, 5), 0);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  MuteServer(const MuteServer&) = delete;
  MuteServer& operator=(const MuteServer&) = delete;
  ~MuteServer() { close(socket_); }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  int socket_;
  std::uint16_t port_ = 0;
};

TEST(FetchStatus, GivesUpOnAServerThatSaysNothing) {
  const MuteServer mute;
  EXPECT_FALSE(fetch_status("127.0.0.1", mute.port(), 100ms));
}

TEST(FetchStatus, GivesUpWhereNobodyListens) {
  std::uint16_t port = 0;
  {
    const MuteServer gone;
    port = gone.port();
  }
  EXPECT_FALSE(fetch_status("127.0.0.1", port));
}

}  // namespace
}  // namespace walgate
