#include "service/copy_requests.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "apply/target_session.hpp"
#include "catalog/table_mapping.hpp"
#include "observe/log.hpp"
#include "service/table_watch.hpp"

namespace walgate::service {

CopyRequests::CopyRequests(const Config& config, std::vector<QualifiedName> others, const Event* stop)
    : config_{config},
      others_{std::move(others)},
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
    const auto asked = copy::asked_for(*target_, config_.pipeline, config_.copy.enabled);
    return std::ranges::any_of(asked, [&](const QualifiedName& table) {
      return map_table(config_.tables, table).target && std::ranges::find(others_, table) == others_.end();
    });
  } catch (const Error& error) {  // the applier will notice what is wrong with the target
    log::debug("copy_requests_not_read", error.failure().message);
    target_.reset();
    return false;
  }
}

std::vector<copy::Filled> filled_tables(const Config& config, const Situation& now, const KnownTables& known) {
  std::vector<copy::Filled> tables;
  for (const auto& relation : now.relations) {
    const QualifiedName table{relation.schema, relation.name};
    const auto found = known.find(table);
    const auto mapping = map_table(config.tables, table);
    const bool streams = found != known.end() && found->second.state == TableState::streaming;
    if (streams && mapping.target) tables.push_back({table, *mapping.target});
  }
  return tables;
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
