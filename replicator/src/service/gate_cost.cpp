#include "service/gate_cost.hpp"

#include <algorithm>

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

}  // namespace

std::optional<GateCost::Sample> GateCost::look() {
  const auto now = Clock::now();
  if (!source_ && now < next_try_) return std::nullopt;
  try {
    if (!source_) {
      next_try_ = now + try_interval;
      source_.emplace(stream::open_monitor(config_, stop_));
      source_->set_phase("gate");
      source_->exec("SET statement_timeout = '5s'");
    }
    const auto result = source_->exec(question, {config_.source.slot});
    Sample sample{.source = lsn_field(result, 0, 0),
                  .retained_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_field(result, 0, 1))),
                  .bytes_per_minute = {}};
    if (const auto seconds = number_field(result, 0, 2); seconds > 0) idle_timeout_ = std::chrono::seconds{seconds};
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

bool GateCost::slot_wants_use() const {
  return idle_timeout_ && Clock::now() - began_ > *idle_timeout_ / 2;
}

}  // namespace walgate::service
