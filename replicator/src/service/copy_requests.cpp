#include "service/copy_requests.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "apply/target_catalog.hpp"
#include "apply/target_session.hpp"
#include "catalog/table_mapping.hpp"
#include "observe/log.hpp"
#include "service/copy_checks.hpp"
#include "service/table_watch.hpp"

namespace walgate::service {

CopyRequests::CopyRequests(const Config& config, std::vector<QualifiedName> others,
                           std::map<QualifiedName, std::string> waiting, const Event* stop)
    : config_{config},
      others_{std::move(others)},
      waiting_{std::move(waiting)},
      stop_{stop},
      next_{std::chrono::steady_clock::now() + table_interval} {}

bool CopyRequests::any() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return false;
  next_ = now + table_interval;
  try {
    if (!target_) {
      target_.emplace(apply::open_target(config_, stop_));
      target_->exec(watch_limits);
    }
    std::vector<copy::Filled> asked;
    for (const auto& table : copy::asked_for(*target_, config_.pipeline, config_.copy.enabled)) {
      const auto mapping = map_table(config_.tables, table);
      if (!mapping.target || std::ranges::find(others_, table) != others_.end()) continue;
      asked.push_back({table, *mapping.target});
    }
    if (asked.empty()) return false;
    auto ready = sources_with_target(*target_, asked);
    for (const auto& [table, filled] : asked) {
      if (std::ranges::find(ready, table) != ready.end() || !told_.insert(table).second) continue;
      log::warning(text_of(ErrorName::target_table_missing),
                   "the copy waits for the table on the target; so does the stream from the table's first change on",
                   {{"relation", table.display()}, {"target", filled.display()}});
    }
    std::erase_if(ready, [&](const QualifiedName& table) {
      const auto found = waiting_.find(table);
      return found != waiting_.end() && found->second == look_of_target(*target_, config_, table);
    });
    return !ready.empty();
  } catch (const Error& error) {  // the applier will notice what is wrong with the target
    log::debug("copy_requests_not_read", error.failure().message);
    target_.reset();
    return false;
  }
}

std::string look_of_target(postgres::Connection& target, const Config& config, const QualifiedName& source) {
  const auto mapping = map_table(config.tables, source);
  if (!mapping.target) return {};
  std::string look;
  for (const auto& [name, table] : apply::read_tables(target, {*mapping.target})) {
    look += std::to_string(table.oid);
    for (const auto& column : table.columns) {
      look += fmt::format(",{} {} {} {}{}", column.number, column.name, column.type_text, column.not_null,
                          column.has_default);
    }
    for (const auto& key : table.keys) look += fmt::format(";{}", key.index);
  }
  if (rows_in_the_way(config, source, copy::read_entries(target, config.pipeline), target)) look += " holds rows";
  return look;
}

std::vector<copy::Filled> filled_tables(const Config& config, const Situation& now, const RememberedTables& known) {
  std::vector<copy::Filled> tables;
  for (const auto& relation : now.relations) {
    const QualifiedName table{relation.schema, relation.name};
    const auto found = known.tables.find(table);
    const auto mapping = map_table(config.tables, table);
    // One that has got another name has its rows where they were.
    const bool streams =
        found != known.tables.end() && found->second.state == TableState::streaming && !known.former_name(table);
    if (streams && mapping.target) tables.push_back({table, *mapping.target});
  }
  return tables;
}

std::vector<QualifiedName> sources_with_target(postgres::Connection& target, const std::vector<copy::Filled>& tables) {
  std::vector<QualifiedName> targets;
  for (const auto& table : tables) targets.push_back(table.target);
  const auto there = apply::read_tables(target, targets);
  std::vector<QualifiedName> sources;
  for (const auto& table : tables) {
    if (there.contains(table.target)) sources.push_back(table.source);
  }
  return sources;
}

std::vector<QualifiedName> tables_without_columns(const Situation& now, const KnownTables& known) {
  std::vector<QualifiedName> tables;
  for (const auto& [table, entry] : known) {
    const auto relation = std::ranges::find_if(now.relations, [&](const auto& r) {
      return QualifiedName{r.schema, r.name} == table;
    });
    if (relation == now.relations.end() && entry.state == TableState::streaming) tables.push_back(table);
  }
  return tables;
}

void decide_on(const QualifiedName& table, const KnownTables& known, bool looked, Seam& seam) {
  const auto found = known.find(table);
  if (!looked) {
    throw Error{Failure{.name = ErrorName::lock_not_available,
                        .recovery = Recovery::retry,
                        .message = "the source's publications could not be looked at",
                        .phase = "copy"}};
  }
  // Of one that was created again the stream stops at the new one's first change; the old one has gone uncopied.
  if (found == known.end() || found->second.state != TableState::streaming) {
    log::warning(text_of(ErrorName::table_left_publication),
                 "changes of a table that left before it was copied are left out", {{"relation", table.display()}});
    seam.leave_out(table);
    return;
  }
  throw Error{Failure{.name = ErrorName::relation_does_not_fit,
                      .message = fmt::format("{} has no column that could be copied", table.display()),
                      .remedy = "take it out of the publication, or map it to null",
                      .phase = "copy",
                      .relation = table.display()}};
}

}  // namespace walgate::service
