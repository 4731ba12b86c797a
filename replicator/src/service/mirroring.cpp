#include "service/mirroring.hpp"

#include "apply/progress.hpp"
#include "apply/target_session.hpp"
#include "mirror/mirror_settings.hpp"
#include "service/mirrored_source.hpp"
#include "stream/source_session.hpp"

namespace walgate::service {

namespace {

using postgres::rows;
using postgres::text_field;

mirror::SourceTypes read_types(const Config& config, const Event& stop) {
  auto source = stream::open_monitor(config, &stop);
  return read_source_types(source);
}

std::optional<mirror::MirrorIdentity> known_mirror(postgres::Connection& target, const std::string& pipeline) {
  const auto result = target.exec("SELECT cluster, incarnation FROM walgate.mirrors WHERE pipeline = $1", {pipeline});
  if (rows(result) == 0) return std::nullopt;
  return mirror::MirrorIdentity{text_field(result, 0, 0), text_field(result, 0, 1)};
}

mirror::MirrorStart start_of(const Config& config, const Situation& now, postgres::Connection& source,
                             postgres::Connection& target, const Event& stop) {
  const auto copy = stream::find_slot(source, mirror::mirror_slot(config));
  return {.source = {.system = now.source.system,
                     .database = now.source.database_name,
                     .encoding = now.source.encoding,
                     .read_types = [&config, &stop] { return read_types(config, stop); }},
          .position = copy ? copy->confirmed_flush : now.slot->confirmed_flush,
          .timeline = now.source.timeline,
          .flushed = now.source.flushed,
          .has_copy = copy.has_value(),
          .skips = apply::all_skips(target, config.pipeline),
          .known = known_mirror(target, config.pipeline),
          .remember = [&config, &stop](const mirror::MirrorIdentity& identity) {
            auto session = apply::open_target(config, &stop);
            session.exec(
                "INSERT INTO walgate.mirrors (pipeline, cluster, incarnation) VALUES ($1, $2, $3) "
                "ON CONFLICT (pipeline) DO UPDATE SET cluster = $2, incarnation = $3, since = pg_catalog.now()",
                {config.pipeline, identity.cluster, identity.incarnation});
          }};
}

}  // namespace

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
