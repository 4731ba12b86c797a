// held_locks.hpp - which locks a session holds on relations that others can see.
#pragma once

#include <compare>
#include <set>
#include <string>

#include "postgres/connection.hpp"

namespace walgate::migrate {

struct HeldLock {
  std::string relation;  ///< schema.name
  std::string mode;      ///< "AccessExclusiveLock"
  friend auto operator<=>(const HeldLock&, const HeldLock&) = default;
};

/// Asked by another session than the one that holds them, so that relations bear the names that others know, and those
/// that only the holder's open transaction has made do not appear.  Catalogs and walgate's own tables are left out.
[[nodiscard]] std::set<HeldLock> held_locks(postgres::Connection& observer, int backend_pid);

}  // namespace walgate::migrate
