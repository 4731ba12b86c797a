#include "migrate/session.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "postgres/advisory_lock.hpp"

namespace walgate::migrate {

namespace {

constexpr std::string_view settings =
    "SET statement_timeout = 0;"
    "SET lock_timeout = 0;"
    "SET idle_in_transaction_session_timeout = 0;"
    "SET idle_session_timeout = 0;"
    "SET default_transaction_isolation = 'read committed';"
    "SET default_transaction_read_only = off;"
    "SET default_transaction_deferrable = off;"
    "SET standard_conforming_strings = on;";

void apply_settings(postgres::Connection& session) {
  session.exec(std::string{settings});
  if (session.server_version() >= 170000) session.exec("SET transaction_timeout = 0");
}

}  // namespace

postgres::Connection open_session(const Config& config, const Event* stop) {
  postgres::Connection session{{.conninfo = config.migrations.conninfo.value_or(config.target.conninfo),
                                .side = postgres::Side::target,
                                .replication = false,
                                .application_name = "walgate " + config.pipeline + " migrate",
                                .settings = {},
                                .client_encoding = "UTF8"},
                               stop};
  apply_settings(session);
  session.set_phase("migrate");
  return session;
}

void reset_session(postgres::Connection& session) {
  session.exec("RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL");
  apply_settings(session);
}

void lock_migrations(postgres::Connection& session, const std::function<void(const std::string&)>& note,
                     const Event* stop) {
  const auto ask = fmt::format("SELECT pg_catalog.pg_try_advisory_lock({}, {})", postgres::advisory_lock_class,
                               postgres::migrations_lock);
  for (bool first = true; !bool_field(session.exec(ask), 0, 0); first = false) {
    if (first && note) note("another session runs migrations on the target; waiting for its end");
    if (stop != nullptr && stop->is_set()) throw postgres::Interrupted{};
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
  }
}

}  // namespace walgate::migrate
