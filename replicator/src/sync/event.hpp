// event.hpp - a flag that a thread can wait for next to its sockets, and the waiting itself.
#pragma once

#include <poll.h>

#include <chrono>
#include <span>

namespace walgate {

/// Set by any thread, waited for by one through its descriptor (an eventfd).
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Wakes the waiter, now or when it next waits.
  void set() noexcept;
  /// Forgets earlier `set`s.
  void clear() noexcept;
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  /// Was it set and not cleared?
  [[nodiscard]] bool is_set() const noexcept;

 private:
  int descriptor_;
};

/// poll(2) that goes on after signals.  A negative timeout waits for ever.  False when the time ran out.
bool wait_for(std::span<pollfd> descriptors, std::chrono::milliseconds timeout);

}  // namespace walgate
