// mirroring.hpp - the Kafka mirror beside one session: its feed, its thread, and what it needs of both servers.
#pragma once

#include <optional>
#include <thread>

#include "batch/acknowledgement.hpp"
#include "batch/feed.hpp"
#include "config/config.hpp"
#include "mirror/mirror.hpp"
#include "observe/status.hpp"
#include "service/start_checks.hpp"

namespace walgate::service {

class Mirroring {
 public:
  /// Looks up what the target and the source know of the mirror, and holds the acknowledgement back where it has to.
  /// All references must outlive it.
  Mirroring(const Config& config, const Situation& now, postgres::Connection& source, postgres::Connection& target,
            Acknowledgement& acknowledgement, StatusBoard& board, const Event& stop);
  ~Mirroring() { finish(); }
  Mirroring(const Mirroring&) = delete;
  Mirroring& operator=(const Mirroring&) = delete;

  [[nodiscard]] Feed& feed() noexcept { return feed_; }
  void start();
  /// The applier has ended: what is whole is sent.
  void finish();

 private:
  Feed feed_;
  Event finish_;
  mirror::Mirror mirror_;
  std::jthread thread_;
};

}  // namespace walgate::service
