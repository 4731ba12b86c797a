#include "apply/progress.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "observe/failure_from_json.hpp"
#include "observe/failure_json.hpp"
#include "postgres/advisory_lock.hpp"

namespace walgate::apply {

namespace {

using postgres::bool_field;
using postgres::Connection;
using postgres::list_field;
using postgres::lsn_field;
using postgres::number_field;
using postgres::rows;
using postgres::text_field;

std::string array_literal(const std::vector<std::string>& items) {
  std::string text = "{";
  for (const auto& item : items) {
    if (text.size() > 1) text += ',';
    text += '"';
    for (const char c : item) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + "}";
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

/// Process numbers can be compared within one boot of a machine and one PID namespace of it.
std::string process_space() {
  std::string boot;
  std::getline(std::ifstream{"/proc/sys/kernel/random/boot_id"}, boot);
  std::error_code error;
  const auto space = std::filesystem::read_symlink("/proc/self/ns/pid", error);
  return boot.empty() || error ? std::string{} : boot + " " + space.string();
}

std::set<Lsn> lsns(const postgres::Result& result) {
  std::set<Lsn> values;
  for (int row = 0; row < rows(result); ++row) values.insert(lsn_field(result, row, 0));
  return values;
}

}  // namespace

TargetIdentity identify_target(Connection& target) {
  const auto result = target.exec(
      "SELECT system_identifier::text, (SELECT oid FROM pg_catalog.pg_database "
      "WHERE datname = pg_catalog.current_database()) FROM pg_catalog.pg_control_system()");
  return {text_field(result, 0, 0), static_cast<std::uint32_t>(number_field(result, 0, 1))};
}

std::optional<Registration> find_registration(Connection& target, const std::string& pipeline) {
  const auto result = target.exec(
      "SELECT source_system, source_timeline, source_database, slot, publications, target_system, target_database, "
      "replica_role, start_lsn FROM walgate.pipelines WHERE name = $1",
      {pipeline});
  if (rows(result) == 0) return std::nullopt;
  return Registration{.source_system = text_field(result, 0, 0),
                      .source_timeline = number_field(result, 0, 1),
                      .source_database = static_cast<std::uint32_t>(number_field(result, 0, 2)),
                      .slot = text_field(result, 0, 3),
                      .publications = list_field(result, 0, 4),
                      .target_system = text_field(result, 0, 5),
                      .target_database = static_cast<std::uint32_t>(number_field(result, 0, 6)),
                      .replica_role = bool_field(result, 0, 7),
                      .start_lsn = lsn_field(result, 0, 8)};
}

std::optional<std::string> other_user_of_slot(Connection& target, const std::string& pipeline,
                                              const Registration& registration) {
  const auto result =
      target.exec("SELECT name FROM walgate.pipelines WHERE source_system = $1 AND slot = $2 AND name <> $3",
                  {registration.source_system, registration.slot, pipeline});
  if (rows(result) == 0) return std::nullopt;
  return text_field(result, 0, 0);
}

void register_pipeline(Connection& target, const std::string& pipeline, const Registration& registration) {
  // One statement: both rows or none.
  target.exec(
      "WITH registered AS (INSERT INTO walgate.pipelines (name, source_system, source_timeline, source_database, slot, "
      "publications, target_system, target_database, replica_role, start_lsn) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING name, start_lsn) "
      "INSERT INTO walgate.progress (pipeline, position) SELECT name, start_lsn FROM registered",
      {pipeline, registration.source_system, std::to_string(registration.source_timeline),
       std::to_string(registration.source_database), registration.slot, array_literal(registration.publications),
       registration.target_system, std::to_string(registration.target_database),
       registration.replica_role ? "true" : "false", registration.start_lsn.text()});
}

void forget_pipeline(Connection& target, const std::string& pipeline) {
  target.exec("DELETE FROM walgate.pipelines WHERE name = $1", {pipeline});
}

std::optional<Progress> read_progress(Connection& target, const std::string& pipeline) {
  const auto result = target.exec(
      "SELECT position, epoch, coalesce(slot_transactions, 0), coalesce(host, ''), coalesce(pid, 0), "
      "coalesce(process_space, '') "
      "FROM walgate.progress LEFT JOIN walgate.services USING (pipeline) WHERE pipeline = $1",
      {pipeline});
  if (rows(result) == 0) return std::nullopt;
  return Progress{.position = lsn_field(result, 0, 0),
                  .epoch = number_field(result, 0, 1),
                  .slot_transactions = number_field(result, 0, 2),
                  .host = text_field(result, 0, 3),
                  .pid = static_cast<int>(number_field(result, 0, 4)),
                  .process_space = text_field(result, 0, 5)};
}

bool try_lock_pipeline(Connection& target, const std::string& pipeline) {
  return bool_field(target.exec("SELECT pg_catalog.pg_try_advisory_lock($1::int4, pg_catalog.hashtext($2))",
                                {std::to_string(postgres::advisory_lock_class), pipeline}),
                    0, 0);
}

bool is_gone(const Progress& progress) {
  if (progress.process_space.empty() || progress.process_space != process_space()) return false;
  return progress.pid == getpid() || (kill(progress.pid, 0) != 0 && errno == ESRCH);
}

void end_left_session(Connection& target, const std::string& pipeline) {
  target.exec(
      "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted "
      "AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) "
      "AND classid::int8 = $1::int8 AND objid::int8 = (pg_catalog.hashtext($2)::int8 & 4294967295) AND objsubid = 2",
      {std::to_string(postgres::advisory_lock_class), pipeline});
}

void announce_service(Connection& target, const std::string& pipeline) {
  target.exec(
      "INSERT INTO walgate.services (pipeline, host, pid, process_space, version) VALUES ($1, $2, $3, $4, $5) "
      "ON CONFLICT (pipeline) DO UPDATE SET host = EXCLUDED.host, pid = EXCLUDED.pid, "
      "process_space = EXCLUDED.process_space, version = EXCLUDED.version, started_at = now()",
      {pipeline, host_name(), std::to_string(getpid()), process_space(), WALGATE_VERSION});
}

Claim claim_pipeline(Connection& target, const std::string& pipeline, std::int64_t slot_transactions,
                     bool same_cluster) {
  // A position read after a restart is visible but perhaps not durable; acknowledging it would lose data in a crash of
  // the target.  This commit flushes everything before it.
  target.exec(fmt::format("BEGIN; SET LOCAL synchronous_commit = {}", same_cluster ? "local" : "on"));
  const auto result = target.exec(
      "UPDATE walgate.progress SET epoch = epoch + 1 WHERE pipeline = $1 RETURNING position, epoch", {pipeline});
  if (rows(result) != 1) {
    throw Error{Failure{.name = ErrorName::not_initialised,
                        .message = fmt::format("target has no progress of pipeline \"{}\"", pipeline),
                        .phase = "check"}};
  }
  target.exec("UPDATE walgate.services SET slot_transactions = $2 WHERE pipeline = $1",
              {pipeline, std::to_string(slot_transactions)});
  target.exec("COMMIT");
  return {lsn_field(result, 0, 0), number_field(result, 0, 1)};
}

void record_slot_transactions(Connection& target, const std::string& pipeline, std::int64_t slot_transactions) {
  target.exec("UPDATE walgate.services SET slot_transactions = $2 WHERE pipeline = $1",
              {pipeline, std::to_string(slot_transactions)});
}

std::chrono::system_clock::time_point record_error(Connection& target, const std::string& pipeline,
                                                   const Failure& failure, const std::optional<std::string>& gate) {
  const auto result = target.exec(
      "INSERT INTO walgate.errors AS standing (pipeline, lsn, failure) SELECT name, $2::pg_lsn, "
      "$3::jsonb || pg_catalog.jsonb_build_object('gate', $4::jsonb) FROM walgate.pipelines WHERE name = $1 ON "
      "CONFLICT (pipeline) DO UPDATE SET lsn = EXCLUDED.lsn, "
      "failure = EXCLUDED.failure, at = CASE WHEN standing.lsn = EXCLUDED.lsn AND standing.failure ->> 'name' = "
      "EXCLUDED.failure ->> 'name' THEN standing.at ELSE pg_catalog.now() END "
      "RETURNING (extract(epoch FROM at) * 1000)::int8",
      {pipeline, failure.lsn ? std::optional{failure.lsn->text()} : std::nullopt, dump(failure_json(failure)), gate});
  if (rows(result) == 0) return std::chrono::system_clock::now();
  return std::chrono::system_clock::time_point{std::chrono::milliseconds{number_field(result, 0, 0)}};
}

std::optional<Failure> standing_error(Connection& target, const std::string& pipeline) {
  const auto result = target.exec("SELECT failure FROM walgate.errors WHERE pipeline = $1", {pipeline});
  if (rows(result) == 0) return std::nullopt;
  return failure_from_json(text_field(result, 0, 0));
}

std::optional<std::string> standing_gate(Connection& target, const std::string& pipeline) {
  const auto result = target.exec(
      "SELECT (failure -> 'gate') || pg_catalog.jsonb_build_object('since', pg_catalog.to_char(at AT TIME ZONE 'UTC', "
      "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')) FROM walgate.errors WHERE pipeline = $1 AND failure ->> 'gate' IS NOT NULL",
      {pipeline});
  return rows(result) == 0 ? std::nullopt : field(result, 0, 0);
}

void clear_error(Connection& target, const std::string& pipeline) {
  target.exec("DELETE FROM walgate.errors WHERE pipeline = $1", {pipeline});
}

std::set<Lsn> requested_skips(Connection& target, const std::string& pipeline) {
  return lsns(target.exec("SELECT lsn FROM walgate.skips WHERE pipeline = $1 AND skipped_at IS NULL", {pipeline}));
}

std::set<Lsn> all_skips(Connection& target, const std::string& pipeline) {
  return lsns(target.exec("SELECT lsn FROM walgate.skips WHERE pipeline = $1", {pipeline}));
}

void request_skip(Connection& target, const std::string& pipeline, Lsn lsn) {
  target.exec("INSERT INTO walgate.skips (pipeline, lsn) VALUES ($1, $2) ON CONFLICT DO NOTHING",
              {pipeline, lsn.text()});
}

}  // namespace walgate::apply
