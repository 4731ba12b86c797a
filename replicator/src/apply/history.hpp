// history.hpp - what the service remembers of the target from one session to the next.
//
// After a lost connection the target may stand at any position that we had committed and not yet seen durable (its
// crash takes the newest ones back), or at that of a COMMIT whose answer never came.  Any other position is not ours.
#pragma once

#include <algorithm>
#include <deque>

#include "apply/becoming.hpp"
#include "wire/lsn.hpp"

namespace walgate::apply {

/// In which order the last resort writes a transaction's net effect.
enum class SetWise {
  off,
  inserts_first,  ///< a foreign key was in the way: new parents, then their children, and old parents last
  deletes_first,  ///< a unique value was in the way: it has to go before it comes
};

struct History {
  /// The newest position that is known to be durable on the target; zero before the first session.
  Lsn durable;
  /// Positions above it that were committed or are being committed, in order.
  std::deque<Lsn> boundaries;
  /// final_lsn of a transaction that failed once in a way that looks permanent.  It is tried once more in a new
  /// session, alone, after everything before it is committed, with the target's catalog read anew; only then is the
  /// failure final.
  Lsn suspect;
  /// The suspect failed alone, too, on a foreign key or a unique value: what the source checked at the end of its
  /// statement, the target checks row by row.  It is tried a last time set-wise, by its net effect.
  SetWise set_wise = SetWise::off;
  /// final_lsn of a transaction that cannot be applied as it is.  The next session applies everything before it, and
  /// reads it through without applying it.
  Lsn held;
  /// What is known of a transaction that a gate has let through.
  Becoming becoming;

  [[nodiscard]] bool may_be_at(Lsn position) const noexcept {
    return !durable.is_set() || position == durable || std::ranges::find(boundaries, position) != boundaries.end();
  }
  void set_durable(Lsn position) noexcept {
    durable = position;
    while (!boundaries.empty() && boundaries.front() <= position) boundaries.pop_front();
  }
};

}  // namespace walgate::apply
