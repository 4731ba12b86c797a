// either_event.hpp - an event that is set as soon as one of two others is.
#pragma once

#include <array>
#include <thread>

#include "sync/event.hpp"

namespace walgate {

/// For callees that watch one event.  Both others must outlive it.
class EitherEvent {
 public:
  EitherEvent(const Event& one, const Event& other)
      : watching_{[this, &one, &other] {
          auto descriptors = std::to_array<pollfd>(
              {{one.descriptor(), POLLIN, 0}, {other.descriptor(), POLLIN, 0}, {done_.descriptor(), POLLIN, 0}});
          wait_for(descriptors, std::chrono::milliseconds{-1});
          if (descriptors[0].revents != 0 || descriptors[1].revents != 0) event_.set();
        }} {}
  ~EitherEvent() { done_.set(); }
  EitherEvent(const EitherEvent&) = delete;
  EitherEvent& operator=(const EitherEvent&) = delete;

  [[nodiscard]] const Event& event() const noexcept { return event_; }

 private:
  Event event_;
  Event done_;
  std::jthread watching_;  ///< last: it uses the others
};

}  // namespace walgate
