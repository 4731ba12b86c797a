#include "apply/table_set.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "apply/known_tables.hpp"
#include "apply/target_session.hpp"
#include "catalog/table_shape.hpp"
#include "observe/log.hpp"

namespace walgate::apply {

Failure Misfit::failure() const {
  std::string detail;
  for (const auto& difference : differences) {
    detail += fmt::format("{}{}: {}", detail.empty() ? "" : "; ", difference.object, difference.text);
  }
  return {.name = ErrorName::relation_does_not_fit,
          .message = fmt::format("relation {} does not fit the target", source.display()),
          .detail = std::move(detail),
          .remedy = differences.front().remedy,
          .phase = "apply",
          .relation = source.display()};
}

TableSet::TableSet(const Config& config, const Event* stop, bool same_database, bool replica_role, const Seam& seam,
                   TableLedger& ledger, postgres::Connection& target, const std::vector<wire::Relation>& relations,
                   Becoming becoming)
    : config_{config},
      stop_{stop},
      same_database_{same_database},
      replica_role_{replica_role},
      seam_{seam},
      ledger_{ledger},
      becoming_{std::move(becoming)} {
  for (const auto& relation : relations)
    sources_[relation.oid] = QualifiedName{relation.schema, relation.name}.display();
  read(target, relations);
  for (const auto& [oid, relation] : becoming_.relations) read(target, {relation});
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

const TargetTable* TableSet::target_of(const QualifiedName& source) const {
  const auto mapping = map_table(config_.tables, source);
  const auto found = mapping.target ? targets_.find(*mapping.target) : targets_.end();
  return found == targets_.end() ? nullptr : &found->second;
}

std::pair<TablePlan, std::vector<Difference>> TableSet::plan(const wire::Relation& relation,
                                                             const wire::Relation* becomes) const {
  const auto& named = becomes == nullptr ? relation : *becomes;
  const auto mapping = map_table(config_.tables, {named.schema, named.name});
  const auto found = mapping.target ? targets_.find(*mapping.target) : targets_.end();
  auto planned = plan_table(relation, mapping, found == targets_.end() ? nullptr : &found->second, types_, becomes);
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

TableSet::Fit TableSet::fit(const wire::Relation& relation, Lsn lsn) const {
  Fit fit;
  const QualifiedName source{relation.schema, relation.name};
  const auto* const becomes = becoming_.of(relation, lsn);
  std::tie(fit.plan, fit.differences) = plan(relation, becomes);
  const auto* const table = target_of(source);
  if (fit.plan.left_out || table == nullptr) return fit;
  // One that waits for its copy comes as the copy finds it.
  const auto former = ledger_.former_name(source);
  const auto shape = lacks(relation) ? std::nullopt : ledger_.shape_before(source, relation.oid, lsn);
  if (former && shape && shape->target_oid != table->oid) {
    fit.differences.push_back(
        {ErrorName::table_renamed, source.display(),
         fmt::format("the table was called {} before, and {} is another table than the one that holds its rows",
                     former->display(), table->name.display()),
         fmt::format("rename the target's table by a migration, map {} to the one that holds the rows, or `walgate "
                     "accept --table '{}'`",
                     source.display(), source.display())});
  }
  if (shape && becomes == nullptr) {
    auto change = compare_shape(*shape, relation, map_table(config_.tables, source), *table);
    // A column that was renamed is missing as well, which says less.
    std::erase_if(fit.differences, [&](const Difference& difference) {
      return difference.name == ErrorName::target_column_missing &&
             std::ranges::find(change.differences, difference.object, &Difference::object) != change.differences.end();
    });
    for (auto& difference : change.differences) fit.differences.push_back(std::move(difference));
    fit.left_over = std::move(change.left_over);
  }
  if (fit.differences.empty()) fit.differences = collisions(relation, fit.plan);
  return fit;
}

bool TableSet::is_replaced(const QualifiedName& source) const {
  const auto* const table = target_of(source);
  const auto holds = ledger_.target_of(ledger_.holder_of(source).value_or(0));
  return table != nullptr && holds != 0 && holds != table->oid;
}

std::vector<Difference> TableSet::misfits(const wire::Relation& relation, Lsn lsn, bool inserts) {
  const QualifiedName source{relation.schema, relation.name};
  const auto target = map_table(config_.tables, source).target;
  if (!target || becoming_.replaces(relation, lsn)) return {};
  const bool same = ledger_.is_same(source, relation.oid, lsn);
  if (ledger_.is_ignored(source) || (same && seam_.leaves_out(source))) return {};
  if (!same && !is_replaced(source)) {
    return {{ErrorName::table_recreated, source.display(),
             fmt::format("another table has taken over the name on the source, and {} holds rows of the old one",
                         target->display()),
             fmt::format("drop the target's table and create it again by a migration; or `walgate copy --table '{0}'`, "
                         "which empties and copies it; or make it equal to the source's as of this position and "
                         "`walgate accept --table '{0}'`",
                         source.display())}};
  }
  auto [planned, differences, left_over] = fit(relation, lsn);
  if (inserts && !planned.unfilled_columns.empty()) {
    differences.push_back(
        {ErrorName::required_column_unfilled, planned.target.display(),
         fmt::format("the transaction inserts rows before the source has the columns {}, which are NOT "
                     "NULL without a default on the target already",
                     fmt::join(planned.unfilled_columns, ", ")),
         "give them a default or drop NOT NULL until the transaction is applied"});
  }
  return std::move(differences);
}

PreparedTable& TableSet::table(const wire::Relation& relation, Lsn lsn) {
  if (relation.serial < by_serial_.size() && by_serial_[relation.serial]) return *by_serial_[relation.serial];
  const QualifiedName source{relation.schema, relation.name};
  if (!map_table(config_.tables, source).target || becoming_.replaces(relation, lsn)) {
    return keep(relation, left_out(source));
  }
  const bool same = ledger_.is_same(source, relation.oid, lsn);
  ledger_.save();
  if (ledger_.is_ignored(source) || (same && seam_.leaves_out(source))) return keep(relation, left_out(source));
  auto differences = misfits(relation, lsn);
  if (!differences.empty() || !same) {
    auto catalog = open_target(config_, stop_);
    read(catalog, {relation});
    differences = misfits(relation, lsn);
  }
  sources_[relation.oid] = source.display();
  if (!differences.empty()) throw Misfit{source, std::move(differences)};
  if (!same && !ledger_.take_over(source, relation.oid, target_of(source)->oid, lsn)) {
    ledger_.let_in(source, relation.oid, lsn);
    ledger_.save();
    throw CopyNeeded{source, lsn};
  }
  if (lacks(relation)) throw CopyNeeded{source, lsn};
  auto fitting = fit(relation, lsn);
  tell(source, fitting);
  if (becoming_.of(relation, lsn) == nullptr) {
    ledger_.saw(relation.oid, {source, shape_of(relation, fitting.plan, *target_of(source))}, lsn);
  }
  ledger_.save();
  source_of_target_[fitting.plan.target_oid] = relation.oid;
  first_changes_.emplace(relation.oid, lsn);
  return keep(relation, std::move(fitting.plan));
}

void TableSet::tell(const QualifiedName& source, const Fit& fit) const {
  if (!fit.plan.ignored_columns.empty()) {
    log::info(
        "column_ignored", "columns that the target does not have are left out",
        {{"relation", source.display()}, {"columns", fmt::format("{}", fmt::join(fit.plan.ignored_columns, ", "))}});
  }
  if (!fit.left_over.empty()) {
    log::info("column_left_over", "columns of the target that nothing fills any more stay",
              {{"relation", source.display()}, {"columns", fmt::format("{}", fmt::join(fit.left_over, ", "))}});
  }
}

bool TableSet::lacks(const wire::Relation& relation) const {
  // The seam has the names that tables had when the session began.
  return !first_changes_.contains(relation.oid) &&
         seam_.lacks(ledger_.held_as({relation.schema, relation.name}, relation.oid));
}

bool TableSet::waits_for_copy(const wire::Relation& relation) const {
  const QualifiedName source{relation.schema, relation.name};
  if (!config_.copy.enabled) return false;
  // One that has taken over a name has no copy where nothing is known of it by another name either.
  const bool is_new = ledger_.holder_of(source).value_or(relation.oid) != relation.oid;
  return (is_new && ledger_.target_of(relation.oid) == 0) || lacks(relation);
}

TableSet::Rewrite TableSet::rewrite_of(const wire::Relation& relation, Lsn lsn) const {
  const QualifiedName source{relation.schema, relation.name};
  if (!map_table(config_.tables, source).target || becoming_.replaces(relation, lsn)) return Rewrite::settled;
  if (ledger_.is_ignored(source) || seam_.leaves_out(source) || waits_for_copy(relation)) return Rewrite::settled;
  if (ledger_.is_accepted(source, lsn)) return Rewrite::settled;
  const auto* const becomes = becoming_.of(relation, lsn);
  const auto& last = becomes == nullptr ? relation : *becomes;
  const QualifiedName name{last.schema, last.name};
  const auto shape = ledger_.shape_before(source, relation.oid, lsn);
  if (!shape || has_same_columns(*shape, last)) return Rewrite::same_columns;
  const auto* const table = target_of(name);
  if (table == nullptr) return Rewrite::other_columns;
  // Where the source has renamed the table, the one that holds its rows may still be there under the old name.
  if (shape->target_oid != table->oid && ledger_.held_as(name, relation.oid) != name) return Rewrite::other_columns;
  const bool alike = is_altered_alike(*shape, last, map_table(config_.tables, name), *table);
  return alike ? Rewrite::settled : Rewrite::other_columns;
}

void TableSet::saw_rewrite(const wire::Relation& relation, Lsn lsn) {
  const auto* const becomes = becoming_.of(relation, lsn);
  const auto& last = becomes == nullptr ? relation : *becomes;
  const QualifiedName name{last.schema, last.name};
  const auto* const table = target_of(name);
  const auto holds = ledger_.target_of(relation.oid);
  if (table == nullptr || holds == 0 || becoming_.replaces(relation, lsn)) return;
  if (ledger_.is_ignored(name) || seam_.leaves_out(name) || lacks(relation)) return;
  // It keeps the name from before until a change under the new one is applied.
  const auto source = ledger_.held_as(name, relation.oid);
  if (source != name && table->oid != holds) return;
  const auto fitting = fit(last, lsn);
  if (fitting.plan.left_out || !fitting.differences.empty()) return;
  ledger_.saw(relation.oid, {source, shape_of(last, fitting.plan, *table)}, lsn);
  first_changes_.emplace(relation.oid, lsn);
}

void TableSet::look_again(Lsn position, std::int64_t epoch) {
  std::set<std::uint32_t> ours = unaltered_;
  for (const auto& [oid, lsn] : first_changes_) {
    if (lsn < position) ours.insert(oid);
  }
  if (ours.empty()) return;
  auto catalog = open_target(config_, stop_);
  auto held = read_known_tables(catalog, config_.pipeline).held;
  std::erase_if(held, [&](const auto& entry) {
    return !ours.contains(entry.first) || !map_table(config_.tables, entry.second.source).target;
  });
  std::vector<QualifiedName> names;
  for (const auto& [oid, table] : held) names.push_back(*map_table(config_.tables, table.source).target);
  const auto now = read_tables(catalog, names);
  HeldTables altered;
  for (const auto& [oid, table] : held) {
    const auto found = now.find(*map_table(config_.tables, table.source).target);
    if (found == now.end()) continue;
    auto shape = on_target(table.shape, found->second);
    if (shape != table.shape) altered[oid] = {table.source, std::move(shape)};
  }
  if (altered.empty()) return;
  catalog.exec(std::string{store_held_tables}, {config_.pipeline, json_of(altered), std::to_string(epoch)});
}

void TableSet::remember(const std::vector<wire::Relation>& relations, Lsn as_of) {
  const auto known = ledger_.remembered();
  for (const auto& [oid, held] : known.held) {
    const auto* const table = target_of(held.source);
    if (table != nullptr && on_target(held.shape, *table) == held.shape) unaltered_.insert(oid);
  }
  for (const auto& relation : relations) {
    const QualifiedName source{relation.schema, relation.name};
    const auto found = known.tables.find(source);
    const auto* const table = target_of(source);
    if (found == known.tables.end() || known.former_name(source) || table == nullptr) continue;
    if (found->second.state != walgate::TableState::streaming || found->second.oid != relation.oid) continue;
    const auto [planned, differences] = plan(relation, nullptr);
    if (differences.empty()) ledger_.remember(relation.oid, {source, shape_of(relation, planned, *table)}, as_of);
  }
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
