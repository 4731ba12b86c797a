// mirroring.hpp - the Kafka mirror beside one session: its feed, its thread, and what it needs of both servers.
#pragma once

#include <optional>
#include <thread>
#include <vector>

#include "batch/acknowledgement.hpp"
#include "batch/feed.hpp"
#include "config/config.hpp"
#include "mirror/mirror.hpp"
#include "observe/status.hpp"
#include "postgres/connection.hpp"
#include "service/start_checks.hpp"

namespace walgate::service {

/// The types of the source that records may hold.  On a session of its own.
[[nodiscard]] mirror::SourceTypes read_types(const Config& config, const Event& stop);
/// What the topics lack, as the target remembers it.
[[nodiscard]] std::optional<mirror::MirrorGap> known_gap(postgres::Connection& target, const std::string& pipeline);

/// Is there room on the source for a mirror that falls behind: a slot and a walsender more?
[[nodiscard]] std::vector<Finding> check_room_for_mirror(const Config& config, postgres::Connection& source);

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
