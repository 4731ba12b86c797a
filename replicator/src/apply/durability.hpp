// durability.hpp - which of our commits are safe on the target.
//
// With synchronous_commit = off a commit is visible before it is on disk.  It is durable once the target has flushed
// its WAL up to where it stood after the commit.
#pragma once

#include <deque>
#include <optional>

#include "wire/lsn.hpp"

namespace walgate::apply {

class Durability {
 public:
  /// `at_once`: a commit is durable when it is answered.
  explicit Durability(bool at_once) : at_once_{at_once} {}

  /// The target has answered a COMMIT that moved our position there.
  void committed(Lsn position) { waiting_.push_back({position, Lsn{}}); }
  /// The target's WAL, asked for after the last of the commits: the newest position that is durable, if it is news.
  [[nodiscard]] std::optional<Lsn> on_wal(Lsn inserted, Lsn flushed) {
    if (!waiting_.empty() && !waiting_.back().target_lsn.is_set()) own_wal_end_ = inserted;
    for (auto& commit : waiting_) {
      if (!commit.target_lsn.is_set()) commit.target_lsn = inserted;
    }
    std::optional<Lsn> durable;
    while (!waiting_.empty() && (at_once_ || waiting_.front().target_lsn <= flushed)) {
      durable = waiting_.front().position;
      waiting_.pop_front();
    }
    return durable;
  }
  [[nodiscard]] bool all_durable() const noexcept { return waiting_.empty(); }
  /// End of the target's WAL after our last commit.
  [[nodiscard]] Lsn own_wal_end() const noexcept { return own_wal_end_; }

 private:
  struct Commit {
    Lsn position;
    Lsn target_lsn;  ///< once this is flushed there, it is durable
  };
  const bool at_once_;
  std::deque<Commit> waiting_;
  Lsn own_wal_end_;
};

}  // namespace walgate::apply
