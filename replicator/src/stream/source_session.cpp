#include "stream/source_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "catalog/identifier.hpp"
#include "walgate/wire_format.hpp"

namespace walgate::stream {

namespace {

using postgres::Connection;
using postgres::field;
using postgres::lsn_field;
using postgres::number_field;
using postgres::rows;
using postgres::text_field;

postgres::ConnectionOptions options_of(const Config& config) {
  return {.conninfo = config.source.conninfo,
          .side = postgres::Side::source,
          .replication = false,
          .application_name = "walgate " + config.pipeline,
          .settings = {{"DateStyle", "ISO, YMD"},
                       {"IntervalStyle", "postgres"},
                       {"extra_float_digits", "3"},
                       {"search_path", "pg_catalog"},
                       {"jit", "off"},  // compiling the start checks' queries takes longer than they do
                       {"statement_timeout", "0"},
                       {"lock_timeout", "0"},
                       {"idle_session_timeout", "0"}},
          .client_encoding = "UTF8"};
}

}  // namespace

Connection open_replication(const Config& config, const Event* stop) {
  auto options = options_of(config);
  options.replication = true;
  // Spilling to disk doubles the cost of decoding.
  options.settings.emplace_back("logical_decoding_work_mem",
                                fmt::format("{}kB", config.source.decoding_work_mem_bytes / 1024));
  return Connection{options, stop};
}

Connection open_monitor(const Config& config, const Event* stop) {
  return Connection{options_of(config), stop};
}

namespace {

Connection open_copy_session(const Config& config, const std::string& encoding, const Event* stop) {
  auto options = options_of(config);
  options.client_encoding = encoding;
  for (const auto& [name, value] :
       std::initializer_list<std::pair<std::string, std::string>>{{"TimeZone", "UTC"},
                                                                  {"bytea_output", "hex"},
                                                                  {"lc_monetary", "C"},
                                                                  {"row_security", "off"},
                                                                  {"default_transaction_isolation", "read committed"},
                                                                  {"default_transaction_deferrable", "off"},
                                                                  {"idle_in_transaction_session_timeout", "0"},
                                                                  {"max_parallel_workers_per_gather", "0"}}) {
    options.settings.emplace_back(name, value);
  }
  Connection connection{options, stop};
  if (connection.server_version() >= 170000) connection.exec("SET transaction_timeout = 0");
  connection.set_phase("copy");
  return connection;
}

}  // namespace

Connection open_snapshot_holder(const Config& config, const Event* stop) {
  return open_copy_session(config, "UTF8", stop);
}

Connection open_reader(const Config& config, const Event* stop) {
  return open_copy_session(config, {}, stop);
}

SourceIdentity identify_source(Connection& replication) {
  SourceIdentity identity;
  const auto system = replication.exec("IDENTIFY_SYSTEM");
  identity.system = text_field(system, 0, 0);
  identity.timeline = number_field(system, 0, 1);
  identity.database_name = text_field(system, 0, 3);
  const auto database = replication.exec(
      "SELECT oid, pg_catalog.pg_encoding_to_char(encoding), "
      "CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() "
      "ELSE pg_catalog.pg_current_wal_flush_lsn() END, "
      "pg_catalog.current_setting('application_name'), pg_catalog.current_setting('synchronous_standby_names'), "
      "pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('lc_monetary') "
      "FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()");
  identity.database = static_cast<std::uint32_t>(number_field(database, 0, 0));
  identity.encoding = text_field(database, 0, 1);
  identity.flushed = lsn_field(database, 0, 2);
  identity.application_name = text_field(database, 0, 3);
  identity.synchronous_standby_names = text_field(database, 0, 4);
  identity.in_recovery = postgres::bool_field(database, 0, 5);
  identity.lc_monetary = text_field(database, 0, 6);
  return identity;
}

std::optional<SlotInfo> find_slot(Connection& source, const std::string& slot) {
  const auto result = source.exec(
      fmt::format("SELECT s.plugin, s.database, s.active_pid, coalesce(s.confirmed_flush_lsn, '0/0'), "
                  "coalesce(s.restart_lsn, '0/0'), "
                  "coalesce(s.wal_status, ''), coalesce(t.total_txns, 0) FROM pg_catalog.pg_replication_slots s "
                  "LEFT JOIN pg_catalog.pg_stat_replication_slots t USING (slot_name) "
                  "WHERE s.slot_name = {} AND s.slot_type = 'logical'",
                  quote_literal(slot)));
  if (rows(result) == 0) return std::nullopt;
  SlotInfo info;
  info.plugin = text_field(result, 0, 0);
  info.database = text_field(result, 0, 1);
  if (field(result, 0, 2)) info.active_pid = static_cast<int>(number_field(result, 0, 2));
  info.confirmed_flush = lsn_field(result, 0, 3);
  info.restart = lsn_field(result, 0, 4);
  info.wal_status = text_field(result, 0, 5);
  info.transactions = number_field(result, 0, 6);
  return info;
}

bool is_synchronous_standby(const SourceIdentity& source) {
  // The list's grammar is that of replication/syncrep_gram.y: names, quoted or not, and "*".  A name that only looks
  // like ours costs a flush per commit, nothing more.
  const auto lower = [](std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
  };
  const auto names = lower(source.synchronous_standby_names);
  return names.find('*') != std::string::npos ||
         (!source.application_name.empty() && names.find(lower(source.application_name)) != std::string::npos);
}

std::string start_command(const Config& config, const std::string& slot, Lsn position) {
  std::string publications;
  for (const auto& name : config.source.publications) {
    publications += (publications.empty() ? "" : ",") + quote_identifier(name);
  }
  // The options' grammar knows plain literals only: quotes doubled, backslashes as they are.
  std::string literal = "'";
  for (const char c : publications) literal += c == '\'' ? std::string{"''"} : std::string{c};
  literal += "'";
  return fmt::format("START_REPLICATION SLOT {} LOGICAL {} (protocol '{}', origin '{}', publications {}{})",
                     quote_identifier(slot), position.text(), wire::protocol_version,
                     config.source.origin == Origin::none ? "none" : "any", literal,
                     config.kafka.is_on() && config.kafka.transactions ? ", messages 'true'" : "");
}

}  // namespace walgate::stream
