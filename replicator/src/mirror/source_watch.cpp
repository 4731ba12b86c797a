#include "mirror/source_watch.hpp"

#include <algorithm>

#include "mirror/topics.hpp"
#include "stream/published_tables.hpp"
#include "stream/source_session.hpp"

namespace walgate::mirror {

postgres::Connection& SourceWatch::session() {
  if (!session_) {
    session_.emplace(stream::open_monitor(config_, stop_));
    session_->set_phase("mirror");
    session_->exec("SET lock_timeout = '2s'; SET statement_timeout = '10s'");
  }
  return *session_;
}

MirroredTables SourceWatch::tables() {
  return with_session([this](postgres::Connection& source) {
    MirroredTables found{.tables = stream::published_tables(source, config_.source.publications).tables, .until = {}};
    found.until = lsn_field(source.exec("SELECT pg_catalog.pg_current_wal_insert_lsn()"), 0, 0);
    std::erase_if(found.tables, [this](const auto& table) { return !topic_of_table(config_, table.first); });
    return found;
  });
}

RetainedWal SourceWatch::retained(const std::string& slot) {
  return with_session([&](postgres::Connection& source) {
    const auto result = source.exec(
        "SELECT pg_catalog.pg_current_wal_flush_lsn(), restart_lsn, safe_wal_size FROM (VALUES ($1)) AS wanted (name) "
        "LEFT JOIN pg_catalog.pg_replication_slots ON slot_name = name",
        {slot});
    RetainedWal retained{.source = lsn_field(result, 0, 0), .bytes = std::nullopt};
    if (postgres::field(result, 0, 1)) {
      const auto restart = lsn_field(result, 0, 1);
      retained.bytes = retained.source.value - std::min(retained.source.value, restart.value);
    }
    if (postgres::field(result, 0, 2)) {
      retained.room = static_cast<std::uint64_t>(std::max<std::int64_t>(0, postgres::number_field(result, 0, 2)));
    }
    return retained;
  });
}

}  // namespace walgate::mirror
