#include "service/gate_cost.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "catalog/identifier.hpp"
#include "observe/log.hpp"
#include "stream/source_session.hpp"

namespace walgate::service {

namespace {

using namespace std::chrono_literals;

constexpr auto try_interval = 5s;
/// Since 18 slots that nobody uses can be invalidated; the setting is unknown before.
constexpr auto question =
    "SELECT pg_catalog.pg_current_wal_flush_lsn(), "
    "coalesce((SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), restart_lsn)::int8 "
    "FROM pg_catalog.pg_replication_slots WHERE slot_name = $1), 0), "
    "coalesce((SELECT setting::int8 * CASE unit WHEN 'min' THEN 60 ELSE 1 END FROM pg_catalog.pg_settings "
    "WHERE name = 'idle_replication_slot_timeout'), 0)";

/// Tests stand in for a source that has the setting.
std::optional<std::chrono::seconds> given_idle_timeout() {
  const char* const text = std::getenv("WALGATE_SLOT_IDLE_SECONDS");
  if (text == nullptr) return std::nullopt;
  return std::chrono::seconds{std::strtoll(text, nullptr, 10)};
}

}  // namespace

std::optional<GateCost::Sample> GateCost::look() {
  const auto now = Clock::now();
  if (!source_ && now < next_try_) return std::nullopt;
  try {
    if (!source_) next_try_ = now + try_interval;
    const auto result = source().exec(question, {config_.source.slot});
    Sample sample{.source = lsn_field(result, 0, 0),
                  .retained_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_field(result, 0, 1))),
                  .bytes_per_minute = {}};
    use_slot(given_idle_timeout().value_or(std::chrono::seconds{number_field(result, 0, 2)}));
    if (!first_.is_set() || sample.source < first_) {
      first_ = sample.source;
      first_at_ = now;
    } else if (const auto passed = std::chrono::duration<double>(now - first_at_).count(); passed >= 1) {
      sample.bytes_per_minute =
          static_cast<std::uint64_t>(static_cast<double>(sample.source.value - first_.value) / passed * 60);
    }
    return sample;
  } catch (const Error& error) {
    log::debug("gate_cost_unknown", error.failure().message);
    source_.reset();
    return std::nullopt;
  }
}

postgres::Connection& GateCost::source() {
  if (!source_) {
    auto session = stream::open_monitor(config_, stop_);
    session.set_phase("gate");
    session.exec("SET statement_timeout = '5s'");
    source_.emplace(std::move(session));
  }
  return *source_;
}

void GateCost::use_slot(std::chrono::milliseconds idle_timeout) {
  const auto now = Clock::now();
  if (idle_timeout == 0ms || now - used_ < idle_timeout / 2) return;
  // Who moves a slot to where it stands has used it, and decodes nothing.
  const auto result =
      source_->try_exec(fmt::format("SELECT pg_catalog.pg_replication_slot_advance(slot_name, confirmed_flush_lsn) "
                                    "FROM pg_catalog.pg_replication_slots WHERE slot_name = {}",
                                    quote_literal(config_.source.slot)));
  if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) {
    log::warning(
        "slot_not_used", "could not use the slot, which the source gives up when it is left alone",
        {{"slot", config_.source.slot}, {"reason", postgres::field_of(result.get(), PG_DIAG_MESSAGE_PRIMARY)}});
    used_ = now - idle_timeout / 4;  // leaves time for other tries
  } else {
    log::info("slot_used", "used the slot, which the source would give up when it is left alone",
              {{"slot", config_.source.slot}});
    used_ = now;
  }
}

}  // namespace walgate::service
