// schema.cpp - the table of keys, but for kafka_keys.cpp.  To add one: a member of Config, a row here, a line in
// docs/configuration.md.

#include "config/schema.hpp"

#include "config/rows.hpp"

namespace walgate::config {
namespace {

constexpr std::uint64_t longest_pipeline_name = 48;
constexpr std::uint64_t longest_slot_name = 63;
constexpr std::uint64_t most_work_mem = 2147483647 * kilobyte;  // guc.c: MAX_KILOBYTES

// The one key that may be missing where another section is given.
Key target_conninfo() {
  Key key = required<std::string>(
      "target.conninfo", conninfo(),
      "how to reach the target database, by the same rules; without it, or null, Kafka is the only sink",
      [](Draft& d) -> std::string& { return d.config.target.conninfo; });
  key.unless = "kafka";
  key.standard = "required, unless `kafka` is given";
  key.schema["type"] = {"string", "null"};
  key.set_default = [](Draft& d) { d.config.target.is_given = false; };
  key.show = [](Draft& d) {
    return d.config.has_target() ? conninfo().show(d.config.target.conninfo) : ordered_json(nullptr);
  };
  return key;
}

std::vector<Key> make_keys() {
  std::vector<Key> all;
  all.push_back(required<std::string>("pipeline", plain_name(longest_pipeline_name),
                                      "the name of the pipeline: `[a-z0-9_]{1,48}`",
                                      [](Draft& d) -> std::string& { return d.config.pipeline; }));

  all.push_back(section("source", "the server that the changes come from"));
  all.push_back(required<std::string>(
      "source.conninfo", conninfo(),
      "how to reach the source database, by libpq's rules: keywords or URI, service file, passfile, environment",
      [](Draft& d) -> std::string& { return d.config.source.conninfo; }));
  all.push_back(derived<std::string>(
      "source.slot", plain_name(longest_slot_name), "the pipeline's name",
      "the replication slot that `walgate.create_slot` has made",
      [](Draft& d) -> std::string& { return d.config.source.slot; },
      [](Draft& d) { d.config.source.slot = d.config.pipeline; }));
  all.push_back(derived<std::vector<std::string>>(
      "source.publications", names(1), "the pipeline's name",
      "the publications that say which tables, columns and rows are streamed; names as the catalog holds them",
      [](Draft& d) -> std::vector<std::string>& { return d.config.source.publications; },
      [](Draft& d) { d.config.source.publications = {d.config.pipeline}; }));
  all.push_back(optional<std::uint64_t>(
      "source.decoding_work_mem", size(64 * kilobyte, most_work_mem), 256 * megabyte,
      "`logical_decoding_work_mem` of our own session on the source: larger transactions are spilled to its disk",
      [](Draft& d) -> std::uint64_t& { return d.config.source.decoding_work_mem_bytes; }));

  all.push_back(optional<Origin>(
      "source.origin", choice<Origin>({{"any", Origin::any}, {"none", Origin::none}}), Origin::any,
      "`\"none\"` leaves out what another replication has brought to the source, so that two pipelines in opposite "
      "directions do not echo",
      [](Draft& d) -> Origin& { return d.config.source.origin; }));

  all.push_back(section("target", "the server that the changes are applied to"));
  all.push_back(target_conninfo());
  all.push_back(optional<ReplicaRole>(
      "target.replica_role", choice<ReplicaRole>({{"auto", ReplicaRole::automatic}, {"never", ReplicaRole::never}}),
      ReplicaRole::automatic,
      "`\"auto\"`: `session_replication_role = replica` where the role may, so that foreign keys and ordinary triggers "
      "of the target do not act; `\"never\"`: they act",
      [](Draft& d) -> ReplicaRole& { return d.config.target.replica_role; }));

  all.push_back(list_of_sections(
      "tables", "rules for tables: the first one whose `source` matches decides; no rule = same schema and name"));
  all.push_back(required<NamePattern>(
      "tables[].source", pattern(),
      "`schema.table` on the source, with at most one `*` in each part; quoted as in SQL where a name needs it "
      "(`\"My.Schema\".\"Order\"`)",
      [](Draft& d) -> NamePattern& { return d.rule->source; }));
  all.push_back(derived<std::optional<NamePattern>>(
      "tables[].target", pattern_or_null(), "same schema and name",
      "`schema.table` on the target; a `*` stands for what the source's `*` stood for; null leaves the tables out",
      [](Draft& d) -> std::optional<NamePattern>& { return d.rule->target; },
      [](Draft& d) { d.rule->target = d.rule->source; }));
  all.push_back(optional<ColumnMap>(
      "tables[].columns", column_map(), {},
      "source column → target column, or null to leave it out; names exactly as the catalog holds them",
      [](Draft& d) -> ColumnMap& { return d.rule->columns; }));
  all.push_back(optional<CastMap>(
      "tables[].cast", cast_map(), {},
      "target column → SQL type that its values are converted to; through text where no binary path exists",
      [](Draft& d) -> CastMap& { return d.rule->cast; }));
  all.push_back(optional<OnMissing>(
      "tables[].on_missing", choice<OnMissing>({{"stop", OnMissing::stop}, {"skip", OnMissing::skip}}), OnMissing::stop,
      "an update or a delete finds no row on the target: stop, or leave it out, counted and logged",
      [](Draft& d) -> OnMissing& { return d.rule->on_missing; }));
  all.push_back(optional<OnDuplicate>(
      "tables[].on_duplicate",
      choice<OnDuplicate>(
          {{"stop", OnDuplicate::stop}, {"skip", OnDuplicate::skip}, {"overwrite", OnDuplicate::overwrite}}),
      OnDuplicate::stop, "an insert finds its key on the target: stop, leave it out, or overwrite the row",
      [](Draft& d) -> OnDuplicate& { return d.rule->on_duplicate; }));
  const auto on_column = choice<OnColumn>({{"gate", OnColumn::gate}, {"ignore", OnColumn::ignore}});
  all.push_back(optional<OnColumn>("tables[].on_extra_column", on_column, OnColumn::gate,
                                   "a column that the target's table does not have: wait for it, or leave it out",
                                   [](Draft& d) -> OnColumn& { return d.rule->on_extra_column; }));
  all.push_back(optional<OnColumn>(
      "tables[].on_dropped_column", on_column, OnColumn::gate,
      "a column that the source publishes no more: wait until it is gone on the target, or let it stay there",
      [](Draft& d) -> OnColumn& { return d.rule->on_dropped_column; }));

  add_kafka_keys_of_tables(all);

  all.push_back(optional<OnNewTable>("on_new_table",
                                     choice<OnNewTable>({{"gate", OnNewTable::gate}, {"ignore", OnNewTable::ignore}}),
                                     OnNewTable::gate,
                                     "a table joins the publications later: copy and stream it, waiting for its "
                                     "target, or leave it out until `walgate "
                                     "accept`",
                                     [](Draft& d) -> OnNewTable& { return d.config.on_new_table; }));

  all.push_back(section("copy", "the initial copy of what the source's tables hold"));
  all.push_back(optional<bool>("copy.enabled", boolean(), true, "false: only changes are streamed",
                               [](Draft& d) -> bool& { return d.config.copy.enabled; }));
  all.push_back(optional<ExistingRows>(
      "copy.existing_rows",
      choice<ExistingRows>(
          {{"refuse", ExistingRows::refuse}, {"keep", ExistingRows::keep}, {"truncate", ExistingRows::truncate}}),
      ExistingRows::refuse, "the target's table holds rows before its copy: stop, copy beside them, or empty it",
      [](Draft& d) -> ExistingRows& { return d.config.copy.existing_rows; }));
  all.push_back(optional<std::uint64_t>("copy.workers", count(1, 64), 2,
                                        "sessions that copy at the same time, on each of the two servers",
                                        [](Draft& d) -> std::uint64_t& { return d.config.copy.workers; }));
  all.push_back(optional<std::uint64_t>("copy.rows_per_second", count(0, 1'000'000'000), 0,
                                        "most rows that all workers together read in a second; 0 for no limit",
                                        [](Draft& d) -> std::uint64_t& { return d.config.copy.rows_per_second; }));
  all.push_back(optional<std::chrono::milliseconds>(
      "copy.max_snapshot_age", duration(), std::chrono::milliseconds{0},
      "a copy whose snapshot gets older stops, because the source cannot clean up rows meanwhile; `\"0s\"` for no "
      "limit",
      [](Draft& d) -> std::chrono::milliseconds& { return d.config.copy.max_snapshot_age; }));

  all.push_back(section("migrations", "the files that change the target's schema"));
  all.push_back(derived<std::string>(
      "migrations.directory", path_or_null(), "none",
      "the folder of the migration files `NNNN_name.sql`; relative to the folder of this file",
      [](Draft& d) -> std::string& { return d.config.migrations.directory; },
      [](Draft& d) { d.config.migrations.directory.clear(); }));
  all.push_back(derived<std::optional<std::string>>(
      "migrations.conninfo", conninfo_or_null(), "that of the target",
      "how to reach the target database as a role that may change its tables, so that the service's own need not",
      [](Draft& d) -> std::optional<std::string>& { return d.config.migrations.conninfo; },
      [](Draft& d) { d.config.migrations.conninfo.reset(); }));
  all.push_back(derived<AtAnnouncement>(
      "migrations.at_announcement",
      choice<AtAnnouncement>({{"apply", AtAnnouncement::apply}, {"wait", AtAnnouncement::wait}}),
      "`\"apply\"` with `migrations.conninfo`, else `\"wait\"`",
      "where the source announces a migration the service applies the files up to it itself, as it does with those "
      "that "
      "wait for the copy; or it waits for `walgate migrate up`",
      [](Draft& d) -> AtAnnouncement& { return d.config.migrations.at_announcement; },
      [](Draft& d) {
        d.config.migrations.at_announcement =
            d.config.migrations.conninfo ? AtAnnouncement::apply : AtAnnouncement::wait;
      }));
  all.push_back(optional<std::chrono::milliseconds>(
      "migrations.lock_timeout", duration(std::chrono::milliseconds{1}, std::chrono::hours{24}),
      std::chrono::seconds{5},
      "how long a statement of a migration waits for a lock, and lets others wait behind it, before it tries again "
      "later",
      [](Draft& d) -> std::chrono::milliseconds& { return d.config.migrations.lock_timeout; }));

  add_kafka_keys(all);

  all.push_back(section("http", "the status listener"));
  all.push_back(
      optional<Config::Http>("http.listen", listen_address(), Config::Http{"127.0.0.1", 8432},
                             "where `GET /status` and `GET /health` are answered, `host:port`; null for no listener",
                             [](Draft& d) -> Config::Http& { return d.config.http; }));

  all.push_back(section("limits", "bounds of memory and of a target transaction"));
  all.push_back(optional<std::uint64_t>(
      "limits.batch_rows", count(1, 10'000'000), 20000,
      "a batch of transactions is closed at this many rows; a larger transaction still stays whole",
      [](Draft& d) -> std::uint64_t& { return d.config.limits.batch_rows; }));
  all.push_back(optional<std::uint64_t>("limits.batch_bytes", size(64 * kilobyte, gigabyte), 8 * megabyte,
                                        "the same, in bytes of the stream",
                                        [](Draft& d) -> std::uint64_t& { return d.config.limits.batch_bytes; }));
  all.push_back(optional<std::uint64_t>("limits.queue_bytes", size(megabyte, 64 * gigabyte), 64 * megabyte,
                                        "received and not yet applied, at most; not less than `limits.batch_bytes`",
                                        [](Draft& d) -> std::uint64_t& { return d.config.limits.queue_bytes; }));
  return all;
}

}  // namespace

Key section(std::string path, std::string_view meaning) {
  return {.path = std::move(path),
          .type = "object",
          .standard = {},
          .meaning = meaning,
          .is_on = {},
          .read = {},
          .set_default = {},
          .show = {},
          .schema = {}};
}

Key list_of_sections(std::string path, std::string_view meaning) {
  Key key = section(std::move(path), meaning);
  key.type = "array of objects";
  key.standard = "`[]`";
  key.list = true;
  return key;
}

std::span<const Key> keys() {
  static const std::vector<Key> all = make_keys();
  return all;
}

std::vector<const Key*> keys_under(std::string_view prefix) {
  std::vector<const Key*> found;
  for (const Key& key : keys()) {
    const std::string_view path = key.path;
    if (path.starts_with(prefix) && path.find('.', prefix.size()) == std::string_view::npos) found.push_back(&key);
  }
  return found;
}

std::string prefix_of(const Key& section) {
  return section.path + (section.list ? "[]." : ".");
}

std::string_view leaf_of(const Key& key) {
  const std::string_view path = key.path;
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

}  // namespace walgate::config
