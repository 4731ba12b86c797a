#include "service/mirroring.hpp"

#include <fmt/format.h>

#include "apply/progress.hpp"
#include "apply/target_session.hpp"
#include "mirror/mirror_settings.hpp"
#include "service/mirrored_source.hpp"
#include "stream/source_session.hpp"

namespace walgate::service {

using postgres::number_field;
using postgres::rows;
using postgres::text_field;

mirror::SourceTypes read_types(const Config& config, const Event& stop) {
  auto source = stream::open_monitor(config, &stop);
  return read_source_types(source);
}

namespace {

std::optional<mirror::MirrorIdentity> known_mirror(postgres::Connection& target, const std::string& pipeline) {
  const auto result = target.exec("SELECT cluster, incarnation FROM walgate.mirrors WHERE pipeline = $1", {pipeline});
  if (rows(result) == 0) return std::nullopt;
  return mirror::MirrorIdentity{text_field(result, 0, 0), text_field(result, 0, 1)};
}

void remember_gap(const Config& config, const std::optional<mirror::MirrorGap>& gap, const Event& stop) {
  const auto text = [](Lsn lsn) { return lsn.is_set() ? std::optional{lsn.text()} : std::nullopt; };
  auto session = apply::open_target(config, &stop);
  session.exec("UPDATE walgate.mirrors SET gap_from = $2::pg_lsn, gap_to = $3::pg_lsn WHERE pipeline = $1",
               {config.pipeline, gap ? text(gap->from) : std::nullopt, gap ? text(gap->to) : std::nullopt});
}

mirror::MirrorStart start_of(const Config& config, const Situation& now, postgres::Connection& source,
                             postgres::Connection& target, const Event& stop) {
  const auto copy = stream::find_slot(source, mirror::mirror_slot(config));
  return {.source = {.system = now.source.system,
                     .database = now.source.database_name,
                     .encoding = now.source.encoding,
                     .read_types = [&config, &stop] { return read_types(config, stop); }},
          .timeline = now.source.timeline,
          .flushed = now.source.flushed,
          .database = now.source.database,
          .slot_transactions = now.slot->transactions,
          .position = copy ? copy->confirmed_flush : now.slot->confirmed_flush,
          .has_copy = copy.has_value(),
          .skips = apply::all_skips(target, config.pipeline),
          .known = known_mirror(target, config.pipeline),
          .gap = known_gap(target, config.pipeline),
          .remember =
              [&config, &stop](const mirror::MirrorIdentity& identity) {
                auto session = apply::open_target(config, &stop);
                session.exec(
                    "INSERT INTO walgate.mirrors (pipeline, cluster, incarnation) VALUES ($1, $2, $3) "
                    "ON CONFLICT (pipeline) DO UPDATE SET cluster = $2, incarnation = $3, since = pg_catalog.now()",
                    {config.pipeline, identity.cluster, identity.incarnation});
              },
          .remember_gap = [&config, &stop](const auto& gap) { remember_gap(config, gap, stop); }};
}

}  // namespace

std::optional<mirror::MirrorGap> known_gap(postgres::Connection& target, const std::string& pipeline) {
  const auto result = target.exec(
      "SELECT gap_from, coalesce(gap_to, '0/0') FROM walgate.mirrors "
      "WHERE pipeline = $1 AND gap_from IS NOT NULL",
      {pipeline});
  if (rows(result) == 0) return std::nullopt;
  return mirror::MirrorGap{lsn_field(result, 0, 0), lsn_field(result, 0, 1)};
}

std::vector<Finding> check_room_for_mirror(const Config& config, postgres::Connection& source) {
  Findings findings;
  if (!config.kafka.is_on() || !config.has_target()) return findings.take();
  const auto slot = mirror::mirror_slot(config);
  const auto own = stream::find_slot(source, slot);
  const auto counts = source.exec(
      "SELECT pg_catalog.current_setting('max_replication_slots')::bigint - "
      "(SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots), "
      "pg_catalog.current_setting('max_wal_senders')::bigint - "
      "(SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication)");
  const auto without = fmt::format(
      "a Kafka mirror that falls behind needs one for slot \"{}\"; without it waits, and the pipeline's own slot keeps "
      "the WAL",
      slot);
  if (!own && number_field(counts, 0, 0) < 1) {
    findings.add(Severity::warning, ErrorName::no_free_slot, "max_replication_slots",
                 "the source has no free replication slot: " + without);
  }
  if (!(own && own->active_pid) && number_field(counts, 0, 1) < 1) {
    findings.add(Severity::warning, ErrorName::no_free_walsender, "max_wal_senders",
                 "the source has no free walsender: " + without);
  }
  return findings.take();
}

Mirroring::Mirroring(const Config& config, const Situation& now, postgres::Connection& source,
                     postgres::Connection& target, Acknowledgement& acknowledgement, StatusBoard& board,
                     const Event& stop)
    : feed_{config.kafka.queue_bytes}, mirror_{config, start_of(config, now, source, target, stop),
                                               feed_,  acknowledgement,
                                               board,  finish_,
                                               stop} {
  if (!stream::find_slot(source, mirror::mirror_slot(config))) acknowledgement.set_limit(now.slot->confirmed_flush);
  feed_.ask();
}

void Mirroring::start() {
  thread_ = std::jthread{[this] { mirror_.run(); }};
}

void Mirroring::finish() {
  finish_.set();  // first: else the mirror takes the end of the feed for a full queue, and makes a copy of the slot
  feed_.close();
  if (thread_.joinable()) thread_.join();
}

}  // namespace walgate::service
