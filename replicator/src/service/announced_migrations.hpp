// announced_migrations.hpp - applies the migrations that the source has announced, beside the gate that waits for them.
//
// A migration may take hours.  It runs in a thread of its own, one at a time, so that the gate goes on telling what
// that costs the source, and leaves when it is asked to.
#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "config/config.hpp"
#include "service/obstacle.hpp"
#include "sync/event.hpp"
#include "wire/lsn.hpp"

namespace walgate::service {

class AnnouncedMigrations {
 public:
  /// `stop`: breaks a run off.  The destructor waits for the end of one.
  AnnouncedMigrations(const Config& config, const Event& stop) : config_{config}, stop_{stop} {}
  AnnouncedMigrations(const AnnouncedMigrations&) = delete;
  AnnouncedMigrations& operator=(const AnnouncedMigrations&) = delete;
  ~AnnouncedMigrations();

  /// The run that goes on.  Throws what one has ended with where another try from here makes no sense: a lost
  /// connection, Interrupted.
  [[nodiscard]] std::optional<Obstacle> under_way();
  /// Begins to apply the files up to the announced one, where none is under way.  What is in the way; nullopt once a
  /// run has done what it could: the file is applied, or waits for the copy.
  [[nodiscard]] std::optional<Obstacle> apply(const std::string& id, Lsn lsn);
  /// To be polled for: a run has ended.
  [[nodiscard]] int descriptor() const noexcept { return ended_.descriptor(); }

 private:
  void begin(const std::string& id, Lsn lsn);
  void run(const std::string& id, Lsn lsn) const;
  std::optional<Obstacle> fail(const std::string& id, std::string difference, std::string remedy);

  const Config& config_;
  const Event& stop_;
  std::set<std::string> done_;
  Obstacle shown_;                   ///< while a run goes on
  std::string files_;                ///< digest of the migration files when the last run began
  std::optional<Obstacle> failure_;  ///< of the last run
  std::chrono::steady_clock::time_point next_attempt_;
  Event ended_;
  std::exception_ptr error_;  ///< of the thread, to be read once it has ended
  std::jthread thread_;       ///< last: it uses what stands before it
};

}  // namespace walgate::service
