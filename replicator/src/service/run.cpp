// run.cpp - the run loop: sessions, one after the other, until a person is needed or wants us to leave.
#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <thread>

#include "apply/history.hpp"
#include "apply/progress.hpp"
#include "apply/target_session.hpp"
#include "observe/http.hpp"
#include "observe/log.hpp"
#include "service/commands.hpp"
#include "service/mirror_only.hpp"
#include "service/session.hpp"
#include "wire/reader.hpp"

namespace walgate::service {

namespace {

using namespace std::chrono_literals;

constexpr int exit_done = 0;
constexpr int exit_needs_person = 2;
/// From the wish to leave until what is in flight is rolled back.
constexpr auto grace = 5s;

/// Turns SIGTERM and SIGINT into events: the first asks to finish, the second, or the end of the grace, to stop.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    descriptor_ = signalfd(-1, &set, SFD_CLOEXEC);
    thread_ = std::jthread{[this] { watch(); }};
  }
  ~Signals() {
    done_.set();
    thread_.join();
    close(descriptor_);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] const Event& finish() const noexcept { return finish_; }
  [[nodiscard]] const Event& stop() const noexcept { return stop_; }

 private:
  /// False when the time ran out or the service is done.
  bool next(std::chrono::milliseconds timeout) {
    auto descriptors = std::to_array<pollfd>({{descriptor_, POLLIN, 0}, {done_.descriptor(), POLLIN, 0}});
    if (!wait_for(descriptors, timeout) || descriptors[0].revents == 0) return false;
    signalfd_siginfo info{};
    if (read(descriptor_, &info, sizeof info) != sizeof info) return false;
    log::info("stopping", "asked to stop; finishing the transaction in flight", {{"signal", info.ssi_signo}});
    return true;
  }
  void watch() {
    if (!next(-1ms)) return;
    finish_.set();
    next(grace);
    stop_.set();
  }

  int descriptor_ = -1;
  Event finish_;
  Event stop_;
  Event done_;
  std::jthread thread_;
};

/// 100 ms, doubled up to 30 s, each with up to a quarter more or less.
class Backoff {
 public:
  void reset() noexcept { next_ = first; }
  std::chrono::milliseconds take() {
    std::uniform_real_distribution<double> jitter{0.75, 1.25};
    const auto delay =
        std::chrono::milliseconds{static_cast<std::int64_t>(static_cast<double>(next_.count()) * jitter(random_))};
    next_ = std::min<std::chrono::milliseconds>(next_ * 2, 30s);
    return delay;
  }

 private:
  static constexpr std::chrono::milliseconds first{100};
  std::chrono::milliseconds next_ = first;
  std::minstd_rand random_{std::random_device{}()};
};

/// Leaves the failure on the target for `status` and `skip`; the target may be the one that failed.  Without a target,
/// in Kafka.
void try_to_record(const Config& config, const Failure& failure, const Event& stop) {
  try {
    if (!config.has_target()) return record_mirror_only(config, failure);
    auto target = apply::open_target(config, &stop);
    // Only who holds the pipeline may speak for it; our own session of a moment ago may still be ending.
    for (int tries = 0; !apply::try_lock_pipeline(target, config.pipeline); ++tries) {
      auto descriptors = std::to_array<pollfd>({{stop.descriptor(), POLLIN, 0}});
      if (tries == 20 || wait_for(descriptors, 100ms)) return;
    }
    apply::record_error(target, config.pipeline, failure);
  } catch (const Error& error) {
    log::debug("error_not_recorded", error.failure().message);
  } catch (const postgres::Interrupted&) {
  }
}

/// One session; what it failed with, or nullopt when it was asked to leave.
template <typename AnySession>
std::optional<Failure> run_session(AnySession session) {
  try {
    session.run();
    return std::nullopt;
  } catch (const postgres::Interrupted&) {
    return std::nullopt;
  } catch (const Error& error) {
    return error.failure();
  } catch (const wire::VersionError& error) {
    return Failure{
        .name = ErrorName::protocol_version, .recovery = Recovery::stop, .message = error.what(), .phase = "receive"};
  } catch (const wire::ProtocolError& error) {
    return Failure{.name = ErrorName::protocol_violation,
                   .recovery = Recovery::stop,
                   .message = fmt::format("stream of the source cannot be read: {}", error.what()),
                   .phase = "receive"};
  } catch (const std::exception& error) {
    return Failure{.name = ErrorName::internal_error, .recovery = Recovery::stop, .message = error.what()};
  }
}

}  // namespace

int run(const Config& config, StatusBoard& board) {
  Signals signals;
  board.update([&](Status& status) {
    status.pipeline = config.pipeline;
    status.version = WALGATE_VERSION;
    status.pid = getpid();
    status.since = std::chrono::system_clock::now();
  });
  std::optional<StatusListener> http;
  if (!config.http.host.empty()) http.emplace(config.http.host, config.http.port, board);
  log::info("started", "walgate runs",
            {{"pipeline", config.pipeline}, {"version", WALGATE_VERSION}, {"pid", getpid()}});

  apply::History history;
  Backoff backoff;
  Lsn last_failure_at;
  for (;;) {
    const auto failure = config.has_target()
                             ? run_session(Session{config, board, history, signals.finish(), signals.stop()})
                             : run_session(MirrorOnly{config, board, signals.finish(), signals.stop()});
    if (!failure || signals.finish().is_set()) {
      board.update([](Status& status) { status.state = ServiceState::stopped; });
      log::info("stopped", "walgate has stopped");
      return exit_done;
    }
    const bool in_apply = failure->phase == "apply" && failure->lsn;
    if (in_apply && failure->recovery == Recovery::stop) {
      board.update([](Status& status) { ++status.counters.apply_errors; });
    }
    // Once more alone, in a new session, with the target's catalog read anew; see History::suspect.
    const bool second_try = in_apply && failure->recovery == Recovery::stop && *failure->lsn != history.suspect;
    if (second_try) {
      history.suspect = *failure->lsn;
      history.set_wise = apply::SetWise::off;
    }
    const bool order_matters = failure->sqlstate == "23503" || failure->sqlstate == "23505";
    const bool set_wise = in_apply && failure->recovery == Recovery::stop && !second_try && order_matters &&
                          history.set_wise == apply::SetWise::off && !board.snapshot().replica_role.value_or(true);
    if (set_wise) {
      history.set_wise = failure->sqlstate == "23503" ? apply::SetWise::inserts_first : apply::SetWise::deletes_first;
    }
    const bool final = failure->recovery == Recovery::stop && !second_try && !set_wise;

    board.update([&](Status& status) {
      status.error = failure;
      status.state = final ? ServiceState::stopped : ServiceState::retrying;
      status.since = std::chrono::system_clock::now();
      status.reason = failure->message;
      status.next_step = remedy_of(*failure);
      if (!final) ++status.counters.retries;
    });
    if (final || (failure->lsn && failure->recovery == Recovery::retry))
      try_to_record(config, *failure, signals.stop());
    log::failure(final ? log::Level::error : log::Level::warning, *failure);
    if (final) return exit_needs_person;

    // Whatever was committed since the last failure makes this one a new one.
    const auto applied = board.snapshot().applied_lsn;
    if (applied > last_failure_at) backoff.reset();
    last_failure_at = applied;
    const auto delay = second_try || set_wise ? 0ms : backoff.take();
    log::info("retrying", "trying again", {{"in_milliseconds", delay.count()}});
    auto descriptors = std::to_array<pollfd>({{signals.finish().descriptor(), POLLIN, 0}});
    if (wait_for(descriptors, delay)) {
      board.update([](Status& status) { status.state = ServiceState::stopped; });
      log::info("stopped", "walgate has stopped");
      return exit_done;
    }
  }
}

}  // namespace walgate::service
