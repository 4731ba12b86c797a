// session.hpp - sessions that run migrations: under migrations.conninfo, else under that of the target.
#pragma once

#include <functional>
#include <string>

#include "config/config.hpp"
#include "postgres/connection.hpp"
#include "sync/event.hpp"

namespace walgate::migrate {

/// Opens one; waits in it end with `stop`.  The role's own settings hold, as in psql; time-outs and what changes how
/// text is read do not.
[[nodiscard]] postgres::Connection open_session(const Config& config, const Event* stop = nullptr);

/// Undoes what a file has set: role, search path and all else.  Inside of a transaction as well as outside.
void reset_session(postgres::Connection& session);

/// Waits until no other session of this database runs migrations; holds until the session ends.  Calls `note` once when
/// it has to wait.  Asks again and again, because whoever builds an index concurrently waits for all who wait for him.
void lock_migrations(postgres::Connection& session, const std::function<void(const std::string&)>& note,
                     const Event* stop = nullptr);

}  // namespace walgate::migrate
