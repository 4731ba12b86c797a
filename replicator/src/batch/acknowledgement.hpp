// acknowledgement.hpp - how far the target is, told by the applier and read by the receiver.
#pragma once

#include <atomic>

#include "sync/event.hpp"
#include "wire/lsn.hpp"

namespace walgate {

class Acknowledgement {
 public:
  explicit Acknowledgement(Lsn position) : applied_{position.value}, durable_{position.value} {}

  /// The applier's side: committed on the target, and safe there against a crash.
  void set_applied(Lsn lsn) noexcept { applied_.store(lsn.value, std::memory_order_release); }
  void set_durable(Lsn lsn) noexcept {
    durable_.store(lsn.value, std::memory_order_release);
    changed_.set();
  }
  /// A statement's result has come, or a part of its data was taken: the target works, however slowly.
  void count_step() noexcept { steps_.fetch_add(1, std::memory_order_relaxed); }

  [[nodiscard]] Lsn applied() const noexcept { return Lsn{applied_.load(std::memory_order_acquire)}; }
  [[nodiscard]] Lsn durable() const noexcept { return Lsn{durable_.load(std::memory_order_acquire)}; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_.load(std::memory_order_relaxed); }
  /// Set when `durable` has moved.
  [[nodiscard]] Event& changed() noexcept { return changed_; }

 private:
  std::atomic<std::uint64_t> applied_;
  std::atomic<std::uint64_t> durable_;
  std::atomic<std::uint64_t> steps_ = 0;
  Event changed_;
};

}  // namespace walgate
