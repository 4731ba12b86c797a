#include "service/gate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include "apply/known_tables.hpp"
#include "apply/progress.hpp"
#include "apply/table_set.hpp"
#include "catalog/table_mapping.hpp"
#include "compare/comparison.hpp"
#include "compare/description_reader.hpp"
#include "copy/ledger.hpp"
#include "migrate/ledger.hpp"
#include "observe/log.hpp"
#include "service/copy_checks.hpp"
#include "service/migrations.hpp"

namespace walgate::service {

namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 1s;
constexpr auto question_interval = 5s;

/// How often the log says that the stream still waits; tests wait less.
std::chrono::seconds log_interval() {
  const char* const text = std::getenv("WALGATE_GATE_LOG_SECONDS");
  return text == nullptr ? 60s : std::chrono::seconds{std::strtoll(text, nullptr, 10)};
}

apply::Becoming becoming_of(const apply::Survey& survey) {
  apply::Becoming becoming{.lsn = survey.transaction.final_lsn, .relations = {}, .replaced = {}};
  std::map<std::uint32_t, const wire::Relation*> last;
  std::map<QualifiedName, std::uint32_t> holders;
  std::set<std::uint32_t> changed;
  for (const auto& relation : survey.relations) {
    auto& newest = last[relation.oid];
    if (newest != nullptr && !newest->looks_like(relation)) changed.insert(relation.oid);
    newest = &relation;
    auto& holder = holders[{relation.schema, relation.name}];
    if (holder != 0 && holder != relation.oid) becoming.replaced.insert(holder);
    holder = relation.oid;
  }
  for (const auto oid : changed) becoming.relations.emplace(oid, *last.at(oid));
  // One that has got another name lives on.
  std::erase_if(becoming.replaced, [&](std::uint32_t oid) {
    const auto& relation = *last.at(oid);
    return holders.at({relation.schema, relation.name}) == oid;
  });
  return becoming;
}

}  // namespace

Gate::Gate(const Config& config, const GateStart& start, postgres::Connection target,
           std::map<QualifiedName, std::string> waiting, StatusBoard& board, const Event& finish, const Event& stop)
    : config_{config},
      start_{start},
      target_{std::move(target)},
      board_{board},
      finish_{finish},
      stop_{stop},
      cost_{config, &stop},
      copies_{config, start.not_copied, std::move(waiting), &stop},
      announced_{config, stop} {
  target_.set_phase("gate");
  target_.exec("LISTEN walgate_migrations");
}

apply::Becoming Gate::pass(const apply::Survey& survey) {
  for (;;) {
    auto becoming = becoming_of(survey);
    const auto obstacle = find_obstacle(survey, becoming);
    if (!obstacle) {
      open();
      return becoming;
    }
    if (shown_ != obstacle) show(*obstacle, survey);
    show_cost();
    const auto skips = apply::requested_skips(target_, config_.pipeline);
    // Whoever left while a migration runs would wait for its end.
    if (!obstacle->under_way && (copies_.any() || skips.contains(survey.transaction.final_lsn))) return {};
    auto descriptors = std::to_array<pollfd>({{finish_.descriptor(), POLLIN, 0},
                                              {stop_.descriptor(), POLLIN, 0},
                                              {announced_.descriptor(), POLLIN, 0},
                                              {PQsocket(target_.handle()), POLLIN, 0}});
    wait_for(descriptors, look_interval);
    if (descriptors[0].revents != 0 || descriptors[1].revents != 0) throw postgres::Interrupted{};
  }
}

std::optional<Obstacle> Gate::find_obstacle(const apply::Survey& survey, apply::Becoming& becoming) {
  if (auto obstacle = announced_obstacle(survey)) return obstacle;
  return shape_obstacle(survey, becoming);
}

std::optional<Obstacle> Gate::announced_obstacle(const apply::Survey& survey) {
  if (survey.announced.empty()) return std::nullopt;
  if (auto obstacle = announced_.under_way()) return obstacle;
  const auto is_done = [&](const std::string& id) {
    const auto ledger = migrate::read_ledger(target_, config_.pipeline);
    return std::ranges::any_of(ledger, [&](const auto& row) { return row.id == id && !row.running; });
  };
  for (const auto& id : survey.announced) {
    if (is_done(id) || may_pass_by(id)) continue;
    if (config_.migrations.at_announcement == AtAnnouncement::wait) {
      return Obstacle{
          .relation = {},
          .differences = {fmt::format("the source has announced the migration {}, which is not applied", id)},
          .migration = id,
          .remedy = "run `walgate migrate up`"};
    }
    if (auto obstacle = announced_.apply(id, survey.transaction.final_lsn)) return obstacle;
  }
  return std::nullopt;
}

bool Gate::may_pass_by(const std::string& id) {
  if (config_.migrations.at_announcement == AtAnnouncement::apply) return false;
  try {
    const auto files = migration_files(config_);
    const auto file = std::ranges::find(files, id, &migrate::MigrationFile::id);
    return file != files.end() && file->after_copy && !what_copy_lacks(config_, target_).empty();
  } catch (const Error&) {  // `walgate migrate up` tells
    return false;
  }
}

std::optional<Obstacle> Gate::shape_obstacle(const apply::Survey& survey, apply::Becoming& becoming) {
  const auto lsn = survey.transaction.final_lsn;
  auto remembered = apply::read_known_tables(target_, config_.pipeline);
  const bool ignore_new = config_.on_new_table == OnNewTable::ignore;
  TableLedger ledger{std::move(remembered), nullptr, ignore_new};
  const auto entries = copy::read_entries(target_, config_.pipeline);
  auto seam = copy::seam_of(entries);
  if (config_.copy.enabled) seam.close();
  auto relations = survey.relations;
  relations.insert(relations.end(), survey.rewritten.begin(), survey.rewritten.end());
  apply::TableSet tables{config_,   &stop_,  start_.same_database, start_.replica_role, seam, ledger, target_,
                         relations, becoming};
  Obstacle obstacle;
  std::set<std::uint32_t> unfit;  // OIDs
  const auto add = [&](const wire::Relation& relation, std::vector<Difference> differences) {
    if (differences.empty()) return;
    unfit.insert(relation.oid);
    if (obstacle.relation.empty()) obstacle.relation = QualifiedName{relation.schema, relation.name}.display();
    for (auto& difference : differences) {
      auto text = fmt::format("{}: {}", difference.object, difference.text);
      if (std::ranges::find(obstacle.differences, text) != obstacle.differences.end()) continue;
      if (obstacle.remedy.empty()) obstacle.remedy = difference.remedy;
      obstacle.differences.push_back(std::move(text));
    }
  };
  for (const auto& relation : survey.relations) {
    if (seam.holds(relation, survey.transaction)) continue;
    auto differences = tables.misfits(relation, lsn, survey.inserts_into.contains(relation.serial));
    const bool no_target =
        std::ranges::find(differences, ErrorName::target_table_missing, &Difference::name) != differences.end();
    if (no_target && is_gone(relation, survey.transaction.xid)) {
      becoming.replaced.insert(relation.oid);
      continue;
    }
    if (differences.empty()) {
      const QualifiedName name{relation.schema, relation.name};
      if (auto rows = rows_in_the_way(config_, name, entries, target_)) {
        // As of the end of this transaction, which is the first that the stream brings of the table.
        const auto next = std::uint64_t{survey.transaction.xid} + 1;
        copy::offer_as_copied(target_, config_.pipeline, name, fmt::format("{0}:{0}:", next),
                              survey.transaction.end_lsn);
        differences.push_back(std::move(*rows));
      }
    }
    add(relation, std::move(differences));
    if (start_.value_refused) add(relation, missing_labels(relation));
  }
  becoming.rewrites_known = true;
  std::vector<std::string> notes;
  for (const auto& relation : survey.rewritten) {
    if (seam.holds(relation, survey.transaction)) continue;
    const auto rewrite = tables.rewrite_of(relation, lsn);
    if (rewrite == apply::TableSet::Rewrite::settled) continue;
    const bool other_columns = rewrite == apply::TableSet::Rewrite::other_columns;
    const bool changed_before = survey.changed_before_rewrite.contains(relation.oid);
    if (!survey.announced.empty() && (other_columns || !changed_before))
      continue;  // the migration has seen to the rows
    const auto name = QualifiedName{relation.schema, relation.name}.display();
    if (other_columns && unfit.contains(relation.oid)) {
      notes.push_back(fmt::format(
          "{0}: the source has rewritten the rows that exist; the migration has to give the target's the same values, "
          "or `walgate copy --table '{0}'` brings them",
          name));
      continue;
    }
    add(relation,
        {{ErrorName::table_rewritten, name,
          changed_before ? "the source has changed rows of the table and then rewritten it in one transaction, and the "
                           "values that it computed there are not in the stream"
                         : "the source has rewritten the table, and the values that it computed there are not in the "
                           "stream",
          fmt::format("`walgate copy --table '{0}'` copies the table anew; or give the target's rows the same "
                      "values by a migration, then `walgate accept --table '{0}'`",
                      name)}});
  }
  if (obstacle.differences.empty()) return std::nullopt;
  if (obstacle.differences.size() > 1) {
    obstacle.remedy =
        "make the target fit by a migration and run `walgate migrate up`; `walgate migrate draft` proposes one, and "
        "docs/operation.md (Gates) tells what else answers";
  }
  obstacle.differences.insert(obstacle.differences.end(), notes.begin(), notes.end());
  return obstacle;
}

bool Gate::is_gone(const wire::Relation& relation, std::uint32_t xid) {
  if (gone_.contains(relation.oid)) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_question_) return false;
  next_question_ = now + question_interval;
  const auto found = cost_.source().exec(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = $1), pg_catalog.pg_current_snapshot()::text",
      {std::to_string(relation.oid)});
  // A transaction may be streamed before anybody sees what it has made.
  const auto snapshot = Snapshot::parse(text_field(found, 0, 1));
  if (bool_field(found, 0, 0) || !snapshot || !snapshot->sees(xid)) return false;
  gone_.insert(relation.oid);
  log::warning("table_gone", "leaves out changes of a table that neither side has any more",
               {{"relation", QualifiedName{relation.schema, relation.name}.display()}});
  return true;
}

std::vector<Difference> Gate::missing_labels(const wire::Relation& relation) {
  const QualifiedName name{relation.schema, relation.name};
  const auto mapping = map_table(config_.tables, name);
  if (!mapping.target) return {};
  const auto here = compare::read_descriptions(cost_.source(), {name});
  const auto there = compare::read_descriptions(target_, {*mapping.target});
  std::vector<Difference> differences;
  if (here.empty() || there.empty()) return differences;
  for (auto& [finding, proposal, statements] :
       compare::missing_labels({relation, mapping, here.begin()->second, there.begin()->second})) {
    differences.push_back(
        {finding.name, std::move(finding.object), std::move(finding.finding), std::move(finding.remedy)});
  }
  return differences;
}

void Gate::show(const Obstacle& obstacle, const apply::Survey& survey) {
  const auto lsn = survey.transaction.final_lsn;
  const auto joined = fmt::format("{}", fmt::join(obstacle.differences, "; "));
  Failure failure{.name = obstacle.migration ? ErrorName::migration_announced : ErrorName::relation_does_not_fit,
                  .message = obstacle.migration ? "the stream waits for a migration"
                                                : fmt::format("relation {} does not fit the target", obstacle.relation),
                  .detail = joined,
                  .remedy = obstacle.remedy,
                  .phase = "gate",
                  .relation = obstacle.relation};
  if (lsn.is_set()) {
    failure.lsn = lsn;
    failure.xid = survey.transaction.xid;
  }
  GateStatus gate{.relation = obstacle.relation,
                  .differences = obstacle.differences,
                  .since = std::chrono::system_clock::now(),
                  .lsn = failure.lsn,
                  .migration = obstacle.migration,
                  .retained_bytes_per_minute = {}};
  gate.since = apply::record_error(target_, config_.pipeline, failure, gate_json(gate));
  board_.update([&](Status& status) {
    status.state = ServiceState::at_gate;
    status.since = gate.since;
    status.reason = fmt::format("{}: {}", failure.message, joined);
    status.next_step = obstacle.remedy;
    status.error.reset();
    status.gate = gate;
  });
  shown_ = obstacle;
  next_log_ = std::chrono::steady_clock::now() + log_interval();
  if (obstacle.under_way || told_ == obstacle) return;
  told_ = obstacle;
  log::warning("gate_closed", "the stream waits before a transaction that the target is not ready for",
               {{"relation", obstacle.relation},
                {"differences", joined},
                {"migration", obstacle.migration.value_or("")},
                {"lsn", lsn},
                {"remedy", obstacle.remedy}});
}

void Gate::show_cost() {
  const auto cost = cost_.look();
  if (cost) {
    board_.update([&](Status& status) {
      status.source_lsn = cost->source;
      status.retained_wal_bytes = cost->retained_bytes;
      status.lag.bytes = cost->source.value - std::min(cost->source.value, status.applied_lsn.value);
      if (status.gate && cost->bytes_per_minute) status.gate->retained_bytes_per_minute = cost->bytes_per_minute;
    });
  }
  const auto now = std::chrono::steady_clock::now();
  if (now < next_log_) return;
  next_log_ = now + log_interval();
  const auto status = board_.snapshot();
  log::warning(
      "gate_waits", "the stream still waits at the gate",
      {{"relation", shown_->relation},
       {"differences", fmt::format("{}", fmt::join(shown_->differences, "; "))},
       {"migration", shown_->migration.value_or("")},
       {"minutes",
        std::chrono::duration_cast<std::chrono::minutes>(std::chrono::system_clock::now() - status.since).count()},
       {"retained_wal_bytes", status.retained_wal_bytes.value_or(0)},
       {"retained_bytes_per_minute", status.gate->retained_bytes_per_minute.value_or(0)}});
}

void Gate::open() {
  const auto gate = board_.snapshot().gate;
  board_.update([](Status& status) { status.gate.reset(); });
  if (!gate) return;
  const auto waited = std::chrono::system_clock::now() - gate->since;
  log::info("gate_open", "the target is ready; the stream goes on",
            {{"relation", gate->relation},
             {"migration", gate->migration.value_or("")},
             {"seconds", std::chrono::duration_cast<std::chrono::seconds>(waited).count()}});
}

}  // namespace walgate::service
