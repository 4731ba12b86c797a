#include "apply/target_session.hpp"

#include <fmt/format.h>

#include "observe/log.hpp"

namespace walgate::apply {

postgres::Connection open_target(const Config& config, const Event* stop) {
  if (!config.has_target()) {
    throw Error{
        Failure{.name = ErrorName::configuration_invalid,
                .message = fmt::format("pipeline \"{}\" has no target: Kafka is its only sink", config.pipeline),
                .phase = "connect"}};
  }
  postgres::Connection target{{.conninfo = config.target.conninfo,
                               .side = postgres::Side::target,
                               .replication = false,
                               .application_name = "walgate " + config.pipeline,
                               .settings = {},
                               .client_encoding = "UTF8"},
                              stop};
  // Roles, databases and the environment may carry any of these.  A zombie's open transaction holds the position's row,
  // so it has to end by itself when its client is gone.
  std::string settings =
      "SET search_path = '';"
      "SET default_transaction_isolation = 'read committed';"
      "SET default_transaction_read_only = off;"
      "SET default_transaction_deferrable = off;"
      "SET statement_timeout = 0;"
      "SET lock_timeout = '10s';"
      "SET idle_in_transaction_session_timeout = '60s';"
      "SET idle_session_timeout = 0;"
      "SET tcp_keepalives_idle = 5;"
      "SET tcp_keepalives_interval = 5;"
      "SET tcp_keepalives_count = 3;"
      "SET tcp_user_timeout = '20s';"
      "SET row_security = off;"
      "SET jit = off;"
      "SET plan_cache_mode = force_generic_plan;"
      "SET DateStyle = 'ISO, YMD';"
      "SET TimeZone = 'UTC';"
      "SET IntervalStyle = 'postgres';"
      "SET extra_float_digits = 3;"
      "SET xmloption = content;"
      "SET array_nulls = on;"
      // As the output plugin writes money inside of other types.
      "SET lc_monetary = 'C';"
      "SET standard_conforming_strings = on;"
      "SET check_function_bodies = off;";
  if (target.server_version() >= 170000) settings += "SET transaction_timeout = 0;";
  target.exec(settings);
  return target;
}

bool may_use_replica_role(postgres::Connection& target) {
  const auto result = target.exec("SELECT pg_catalog.has_parameter_privilege('session_replication_role', 'SET')");
  return bool_field(result, 0, 0);
}

bool may_mark_origin(postgres::Connection& target) {
  // By default these functions are a superuser's.
  const auto result = target.exec(
      "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_replication_origin_create(text)', 'EXECUTE') "
      "AND pg_catalog.has_function_privilege('pg_catalog.pg_replication_origin_oid(text)', 'EXECUTE') "
      "AND pg_catalog.has_function_privilege('pg_catalog.pg_replication_origin_session_setup(text)', 'EXECUTE')");
  return bool_field(result, 0, 0);
}

void mark_origin(postgres::Connection& target, const std::string& pipeline) {
  const std::string name = "walgate_" + pipeline;
  target.exec(
      "SELECT pg_catalog.pg_replication_origin_create($1) WHERE pg_catalog.pg_replication_origin_oid($1) IS NULL",
      {name});
  target.exec("SELECT pg_catalog.pg_replication_origin_session_setup($1)", {name});
}

void mark_commits(const Config& config, postgres::Connection& target, const std::string& name) {
  try {
    mark_origin(target, name);
  } catch (const Error& error) {
    if (config.source.origin == Origin::none || !error.failure().sqlstate.starts_with("53")) throw;
    log::warning(text_of(ErrorName::origin_not_marked), error.failure().message,
                 {{"remedy", "raise max_replication_slots (max_active_replication_origins from 18 on) of the target"}});
  }
}

void drop_origin(postgres::Connection& target, const std::string& pipeline) {
  drop_copy_origins(target, pipeline);
  const auto possible = target.exec(
      "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_replication_origin_drop(text)', 'EXECUTE') "
      "AND EXISTS (SELECT FROM pg_catalog.pg_replication_origin WHERE roname = $1)",
      {"walgate_" + pipeline});
  if (bool_field(possible, 0, 0))
    target.exec("SELECT pg_catalog.pg_replication_origin_drop($1)", {"walgate_" + pipeline});
}

bool drop_copy_origins(postgres::Connection& target, const std::string& pipeline) {
  const auto result = target.exec(
      "SELECT roname FROM pg_catalog.pg_replication_origin WHERE pg_catalog.starts_with(roname, $1) "
      "AND pg_catalog.has_function_privilege('pg_catalog.pg_replication_origin_drop(text)', 'EXECUTE')",
      {fmt::format("walgate_{} copy ", pipeline)});
  bool all = true;
  for (int row = 0; row < postgres::rows(result); ++row) {
    try {
      target.exec("SELECT pg_catalog.pg_replication_origin_drop($1)", {postgres::text_field(result, row, 0)});
    } catch (const Error& error) {
      if (error.failure().sqlstate.empty()) throw;
      all = false;  // in use, or somebody else has just dropped it
    }
  }
  return all;
}

std::string_view text_of(CommitMode mode) noexcept {
  switch (mode) {
    case CommitMode::off:
      return "off";
    case CommitMode::local:
      return "local";
    case CommitMode::on:
      return "on";
  }
  return "on";
}

void set_commit_mode(postgres::Connection& target, CommitMode mode) {
  target.exec(fmt::format("SET synchronous_commit = {}", text_of(mode)));
}

void use_encoding(postgres::Connection& target, const std::string& encoding) {
  if (PQsetClientEncoding(target.handle(), encoding.c_str()) != 0) {
    throw Error{
        Failure{.name = ErrorName::incompatible_type,
                .message = fmt::format("target cannot take values in the source's encoding {}", encoding),
                .remedy = fmt::format("the target's database needs an encoding to which PostgreSQL converts from {}: "
                                      "UTF8 serves all",
                                      encoding),
                .phase = "connect"}};
  }
}

}  // namespace walgate::apply
