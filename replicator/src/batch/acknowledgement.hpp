// acknowledgement.hpp - how far the target is, told by the applier and read by the receiver.
//
// Another sink beside the target may hold the acknowledgement back; so the source keeps what that one still needs.
#pragma once

#include <algorithm>
#include <atomic>
#include <limits>
#include <optional>

#include "sync/event.hpp"
#include "wire/lsn.hpp"

namespace walgate {

class Acknowledgement {
 public:
  explicit Acknowledgement(Lsn position) : applied_{position.value}, durable_{position.value} {}

  /// The applier's side: committed on the target, and safe there against a crash.
  void set_applied(Lsn lsn) noexcept { applied_.store(lsn.value, std::memory_order_release); }
  void set_durable(Lsn lsn) noexcept {
    durable_.store(lsn.value);
    changed_.set();
  }
  /// Another sink's side: it needs everything after `lsn`; nullopt: it needs nothing of this slot.  What was confirmed
  /// before is not beyond what durable() then says.
  void set_limit(std::optional<Lsn> lsn) noexcept {
    limit_.store(lsn ? lsn->value : no_limit);
    changed_.set();
  }
  /// A statement's result has come, or a part of its data was taken: the target works, however slowly.
  void count_step() noexcept { steps_.fetch_add(1, std::memory_order_relaxed); }

  [[nodiscard]] Lsn applied() const noexcept { return Lsn{applied_.load(std::memory_order_acquire)}; }
  [[nodiscard]] Lsn durable() const noexcept { return Lsn{durable_.load()}; }
  /// What the source may forget; not beyond `durable`.
  [[nodiscard]] Lsn confirmable() const noexcept {
    const auto durable = durable_.load();  // first: see set_limit()
    return Lsn{std::min(durable, limit_.load())};
  }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_.load(std::memory_order_relaxed); }
  /// Set when `confirmable` has moved.
  [[nodiscard]] Event& changed() noexcept { return changed_; }

 private:
  static constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();

  std::atomic<std::uint64_t> applied_;
  std::atomic<std::uint64_t> durable_;
  std::atomic<std::uint64_t> limit_ = no_limit;
  std::atomic<std::uint64_t> steps_ = 0;
  Event changed_;
};

}  // namespace walgate
