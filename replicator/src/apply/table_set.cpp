#include "apply/table_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "apply/target_session.hpp"

namespace walgate::apply {

TableSet::TableSet(const Config& config, const Event* stop, bool same_database, bool replica_role, const Seam& seam,
                   TableLedger& ledger, postgres::Connection& target, const std::vector<wire::Relation>& relations)
    : config_{config},
      stop_{stop},
      same_database_{same_database},
      replica_role_{replica_role},
      seam_{seam},
      ledger_{ledger} {
  for (const auto& relation : relations)
    sources_[relation.oid] = QualifiedName{relation.schema, relation.name}.display();
  read(target, relations);
}

void TableSet::read(postgres::Connection& target, const std::vector<wire::Relation>& relations) {
  std::vector<QualifiedName> wanted;
  for (const auto& relation : relations) {
    if (const auto mapping = map_table(config_.tables, {relation.schema, relation.name}); mapping.target) {
      wanted.push_back(*mapping.target);
    }
  }
  for (auto& [name, table] : read_tables(target, wanted)) targets_[name] = std::move(table);
  auto types = read_types(target, relations, config_.tables);
  types_.casts = std::move(types.casts);
  types_.by_name.merge(types.by_name);
  types_.cast_types = std::move(types.cast_types);
  types_.array_types = std::move(types.array_types);
}

std::pair<TablePlan, std::vector<Difference>> TableSet::plan(const wire::Relation& relation) const {
  const auto mapping = map_table(config_.tables, {relation.schema, relation.name});
  const auto found = mapping.target ? targets_.find(*mapping.target) : targets_.end();
  auto planned = plan_table(relation, mapping, found == targets_.end() ? nullptr : &found->second, types_);
  if (found != targets_.end()) {
    for (const auto* keys : {&found->second.foreign_keys, &found->second.referring_keys}) {
      for (const auto& key : *keys) {
        if (!key.deferrable) continue;
        planned.first.deferrable_keys.push_back(QualifiedName{key.table.schema, key.name}.quoted());
      }
    }
    for (const auto& key : found->second.foreign_keys) {
      const auto parent = targets_.find(key.referenced);
      if (key.cascades && parent != targets_.end()) {
        planned.first.cascading_parents.push_back(parent->second.oid);
      }
    }
  }
  return planned;
}

std::vector<Difference> TableSet::collisions(const wire::Relation& relation, const TablePlan& plan) const {
  if (plan.left_out) return {};
  if (same_database_ && sources_.contains(plan.target_oid)) {
    return {{ErrorName::target_table_published, plan.target.display(),
             "the target table is published itself: each change would feed the next",
             "take it out of the publication, or map the source table to another name or to null"}};
  }
  const auto taken = source_of_target_.find(plan.target_oid);
  if (taken != source_of_target_.end() && taken->second != relation.oid && relation.relkind != 'p' &&
      sources_.at(taken->second) != QualifiedName{relation.schema, relation.name}.display()) {
    return {{ErrorName::two_sources_one_target, plan.target.display(),
             fmt::format("the table already takes the changes of {}", sources_.at(taken->second)),
             "map one of the two to another table or to null"}};
  }
  return {};
}

std::size_t TableSet::rank(const QualifiedName& table, bool deferrable) const {
  // A table stands one above the highest of those that it refers to.  Cycles end where they meet themselves.
  std::set<QualifiedName> above;
  const auto visit = [&](const auto& self, const QualifiedName& name) -> std::size_t {
    const auto found = targets_.find(name);
    if (found == targets_.end() || !above.insert(name).second) return 0;
    std::size_t highest = 0;
    for (const auto& key : found->second.foreign_keys) {
      if (key.referenced == name || (key.deferrable && !deferrable)) continue;
      highest = std::max(highest, 1 + self(self, key.referenced));
    }
    above.erase(name);
    return highest;
  };
  return visit(visit, table);
}

bool TableSet::in_cycle(const QualifiedName& table) const {
  std::set<QualifiedName> seen;
  const auto reaches = [&](const auto& self, const QualifiedName& name) -> bool {
    const auto found = targets_.find(name);
    if (found == targets_.end()) return false;
    return std::ranges::any_of(found->second.foreign_keys, [&](const TargetForeignKey& key) {
      return key.referenced == table || (seen.insert(key.referenced).second && self(self, key.referenced));
    });
  };
  return reaches(reaches, table);
}

void TableSet::forget_statements() noexcept {
  for (auto& table : by_serial_) {
    if (table) table->forget_statements();
  }
}

bool TableSet::any_fires() const {
  return std::ranges::any_of(targets_, [&](const auto& entry) { return fires(entry.second); });
}

bool TableSet::has_foreign_keys(const TablePlan& plan) const {
  const auto found = targets_.find(plan.target);
  return found != targets_.end() && !(found->second.foreign_keys.empty() && found->second.referring_keys.empty());
}

Order TableSet::order_of(const TablePlan& plan) const {
  const auto found = targets_.find(plan.target);
  if (found == targets_.end() || fires(found->second)) return Order::barrier;
  const bool checked = !replica_role_ && has_foreign_keys(plan);
  if (checked && in_cycle(plan.target)) return Order::barrier;
  if (plan.on_duplicate != OnDuplicate::stop) return checked ? Order::barrier : Order::in_order;
  return Order::free;
}

PreparedTable& TableSet::table(const wire::Relation& relation, Lsn lsn) {
  if (relation.serial < by_serial_.size() && by_serial_[relation.serial]) return *by_serial_[relation.serial];
  const QualifiedName source{relation.schema, relation.name};
  const auto target = map_table(config_.tables, source).target;
  if (target) {
    const bool same = ledger_.is_same(source, relation.oid, lsn);
    ledger_.save();
    if (!same) {
      throw Error{Failure{.name = ErrorName::table_recreated,
                          .message = fmt::format("another table has taken over the name {} on the source, and {} holds "
                                                 "rows of the old one",
                                                 source.display(), target->display()),
                          .remedy = fmt::format("empty {}, or make it equal to the source's table as of this position, "
                                                "then run `walgate accept --table '{}'` and start the service",
                                                target->display(), source.display()),
                          .phase = "apply",
                          .relation = source.display()}};
    }
  }
  if (target && seam_.leaves_out(source)) return keep(relation, left_out(source));
  if (target && seam_.lacks(source)) throw CopyNeeded{source};
  auto [planned, differences] = plan(relation);
  if (!differences.empty()) {
    auto catalog = open_target(config_, stop_);
    read(catalog, {relation});
    std::tie(planned, differences) = plan(relation);
  }
  sources_[relation.oid] = source.display();
  if (differences.empty()) differences = collisions(relation, planned);
  if (!differences.empty()) {
    std::string detail;
    for (const auto& difference : differences) {
      detail += fmt::format("{}{}: {}", detail.empty() ? "" : "; ", difference.object, difference.text);
    }
    const auto name = source.display();
    throw Error{Failure{.name = ErrorName::relation_does_not_fit,
                        .message = fmt::format("relation {} does not fit the target", name),
                        .detail = detail,
                        .remedy = differences.front().remedy,
                        .phase = "apply",
                        .relation = name}};
  }
  if (!planned.left_out) source_of_target_[planned.target_oid] = relation.oid;
  return keep(relation, std::move(planned));
}

TablePlan TableSet::left_out(const QualifiedName& source) {
  TablePlan plan;
  plan.source = source;
  plan.left_out = true;
  return plan;
}

PreparedTable& TableSet::keep(const wire::Relation& relation, TablePlan planned) {
  if (by_serial_.size() <= relation.serial) by_serial_.resize(relation.serial + 1);
  const auto order = order_of(planned);
  const auto rank_of_it = rank(planned.target, true);
  auto& state = states_[planned.target_oid];
  auto& made = by_serial_[relation.serial] = std::make_unique<PreparedTable>(std::move(planned), order, state);
  made->rank = rank_of_it;
  return *made;
}

}  // namespace walgate::apply
