#include "catalog/table_ledger.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

namespace walgate {

namespace {

constexpr auto state_texts = std::to_array<std::pair<TableState, std::string_view>>({
    {TableState::streaming, "streaming"},
    {TableState::left, "left"},
    {TableState::recreated, "recreated"},
    {TableState::ignored, "ignored"},
});

/// What differs between two ways of being held, in words; empty when nothing does.
std::string entry_differences(const PublishedTable& before, const PublishedTable& now) {
  std::vector<std::string> texts;
  for (const auto& [publication, old] : before.entries) {
    const auto found = now.entries.find(publication);
    if (found == now.entries.end()) {
      texts.push_back(fmt::format("publication \"{}\" holds it no more", publication));
      continue;
    }
    const auto& entry = found->second;
    const auto count = texts.size();
    if (entry.operations != old.operations) {
      texts.push_back(fmt::format("publication \"{}\" publishes other operations", publication));
    }
    if (entry.columns != old.columns) {
      texts.push_back(fmt::format("its column list in publication \"{}\" has changed", publication));
    }
    if (entry.filter != old.filter) {
      texts.push_back(fmt::format("its row filter in publication \"{}\" has changed", publication));
    }
    if (entry.ids != old.ids && texts.size() == count) {
      texts.push_back(fmt::format("it was taken out of publication \"{}\" and put back", publication));
    }
  }
  for (const auto& [publication, entry] : now.entries) {
    if (!before.entries.contains(publication)) {
      texts.push_back(fmt::format("publication \"{}\" holds it, too", publication));
    }
  }
  return fmt::format("{}", fmt::join(texts, "; "));
}

void compare(const QualifiedName& table, const PublishedTable& before, const PublishedTable& now,
             std::vector<TableLedger::Change>& changes) {
  if (auto differences = entry_differences(before, now); !differences.empty()) {
    changes.push_back({ErrorName::table_selection_changed, table, std::move(differences)});
  }
  for (const auto& [oid, partition] : before.partitions) {
    if (now.partitions.contains(oid)) continue;
    changes.push_back(
        {ErrorName::partition_left, table,
         fmt::format("partition {} was dropped or detached; its rows stay on the target", partition.name)});
  }
  for (const auto& [oid, partition] : now.partitions) {
    if (before.partitions.contains(oid)) continue;
    changes.push_back(
        {ErrorName::partition_joined, table,
         partition.attached
             ? fmt::format("partition {} was attached; rows that it held then are not on the target", partition.name)
             : fmt::format("partition {} was created", partition.name),
         !partition.attached});
  }
}

}  // namespace

std::string_view text_of(TableState state) noexcept {
  return std::ranges::find(state_texts, state, &std::pair<TableState, std::string_view>::first)->second;
}

std::optional<TableState> table_state_of(std::string_view text) noexcept {
  const auto found = std::ranges::find(state_texts, text, &std::pair<TableState, std::string_view>::second);
  if (found == state_texts.end()) return std::nullopt;
  return found->first;
}

namespace {

TableLedger::Change renamed(const QualifiedName& table, const QualifiedName& former) {
  return {ErrorName::table_renamed, table, fmt::format("the table was called {} before", former.display())};
}

/// Another name under which the target knows the table.
std::optional<QualifiedName> other_name(const KnownTables& known, const QualifiedName& table, std::uint32_t oid) {
  const auto found = std::ranges::find_if(known, [&](const auto& entry) {
    return entry.first != table && entry.second.oid == oid && entry.second.state != TableState::left &&
           !entry.second.former;
  });
  return found == known.end() ? std::nullopt : std::optional{found->first};
}

}  // namespace

bool TableLedger::is_same(const QualifiedName& table, std::uint32_t oid, Lsn lsn) {
  const std::lock_guard lock{mutex_};
  const auto [found, is_new] = known_.try_emplace(table);
  auto& known = found->second;
  if (is_new) {
    known.oid = oid;
    known.former = other_name(known_, table, oid);
    if (looked_ && ignore_new_ && !known.former) known.state = TableState::ignored;
  } else if (known.oid == oid) {
    return true;
  } else if (known.accepted && known.new_oid == oid) {
    // The acceptance stays: after a crash the old table's last changes may come once more, and then this again.
    known.oid = oid;
    known.as_of = lsn;
    known.state = TableState::streaming;
  } else if (lsn <= known.as_of) {
    // An older table, which had lost its name before we looked; the one that we saw is the one that took it over.
    known.oid = oid;
    known.as_of = Lsn{};
  } else {
    if (known.state != TableState::recreated || known.new_oid != oid) {
      known.state = TableState::recreated;
      known.new_oid = oid;
      known.accepted = false;
      unsaved_.insert(table);
    }
    return false;
  }
  unsaved_.insert(table);
  return true;
}

void TableLedger::let_in(const QualifiedName& table, std::uint32_t oid, Lsn lsn) {
  const std::lock_guard lock{mutex_};
  auto& known = known_[table];
  known.oid = known.new_oid = oid;
  known.as_of = lsn;
  known.accepted = true;  // stays: after a crash the old table's last changes may come once more, and then this again
  known.state = TableState::streaming;
  known.shape.reset();
  known.let_in = true;
  unsaved_.insert(table);
}

bool TableLedger::take_over(const QualifiedName& table, std::uint32_t oid, std::uint32_t target_oid, Lsn lsn) {
  const std::lock_guard lock{mutex_};
  const auto found = std::ranges::find_if(known_, [&](const auto& entry) {
    return entry.first != table && entry.second.oid == oid && entry.second.shape &&
           entry.second.shape->target_oid == target_oid;
  });
  if (found == known_.end()) return false;
  // The two change places, so that the other one is known under some name until its own new one comes.
  auto& [other, theirs] = *found;
  auto& ours = known_[table];
  const auto displaced = ours.oid;
  std::swap(ours.oid, theirs.oid);
  std::swap(ours.shape, theirs.shape);
  std::swap(ours.shape_at, theirs.shape_at);
  // After a crash the transaction comes once more, with rows under the names from before and from after the exchange.
  for (auto* known : {&ours, &theirs}) {
    known->as_of = lsn;
    known->new_oid = known->oid;
    known->accepted = true;
  }
  ours.state = TableState::streaming;
  ours.former.reset();
  ours.moved_from = other;
  unsaved_.insert(table);
  unsaved_.insert(other);
  for (auto& [name, known] : known_) {
    if (known.former != table || known.oid != displaced) continue;
    known.former = other;
    unsaved_.insert(name);
  }
  return true;
}

bool TableLedger::is_ignored(const QualifiedName& table) const {
  const std::lock_guard lock{mutex_};
  const auto found = known_.find(table);
  return found != known_.end() && found->second.state == TableState::ignored;
}

std::optional<QualifiedName> TableLedger::former_name(const QualifiedName& table) const {
  const std::lock_guard lock{mutex_};
  const auto found = known_.find(table);
  return found == known_.end() ? std::nullopt : found->second.former;
}

void TableLedger::settle_name(const QualifiedName& table) {
  const std::lock_guard lock{mutex_};
  auto& known = known_[table];
  if (!known.former) return;
  if (const auto former = known_.find(*known.former); former != known_.end()) {
    if (!known.shape) {
      known.shape = former->second.shape;
      known.shape_at = former->second.shape_at;
    }
    if (former->second.oid == known.oid && former->second.state == TableState::streaming) {
      former->second.state = TableState::left;
    }
    unsaved_.insert(former->first);
  }
  known.moved_from = std::exchange(known.former, std::nullopt);
  unsaved_.insert(table);
}

std::optional<TableShape> TableLedger::shape_before(const QualifiedName& table, Lsn lsn) const {
  const std::lock_guard lock{mutex_};
  auto found = known_.find(table);
  if (found == known_.end() || found->second.accepted_at == lsn) return std::nullopt;
  if (found->second.former) found = known_.find(*found->second.former);
  if (found == known_.end() || !found->second.shape) return std::nullopt;
  if (found->second.shape_at < lsn) return found->second.shape;
  const auto before = before_.find(found->first);
  if (before != before_.end() && before->second.first == lsn) return before->second.second;
  return std::nullopt;
}

bool TableLedger::is_accepted(const QualifiedName& table, Lsn lsn) const {
  const std::lock_guard lock{mutex_};
  const auto found = known_.find(table);
  return found != known_.end() && lsn.is_set() && found->second.accepted_at == lsn;
}

bool TableLedger::is_taken(const QualifiedName& table, std::uint32_t oid) const {
  const std::lock_guard lock{mutex_};
  const auto found = known_.find(table);
  return found != known_.end() && found->second.oid != oid;
}

void TableLedger::remember(const QualifiedName& table, TableShape shape, Lsn lsn) {
  const std::lock_guard lock{mutex_};
  const auto found = known_.find(table);
  if (found == known_.end() || found->second.shape) return;
  found->second.shape = std::move(shape);
  found->second.shape_at = lsn;
  found->second.shape_of_catalog = true;
}

void TableLedger::forget_columns(const QualifiedName& table) {
  const std::lock_guard lock{mutex_};
  const auto found = known_.find(table);
  if (found == known_.end()) return;
  found->second.shape.reset();
  found->second.shape_at = Lsn{};
  before_.erase(table);
}

void TableLedger::saw(const QualifiedName& table, TableShape shape, Lsn lsn) {
  const std::lock_guard lock{mutex_};
  auto& known = known_[table];
  if (lsn < known.shape_at && !known.shape_of_catalog) return;
  if (known.shape == shape) {
    // What comes between here and the catalog's position is to be compared, too.
    if (std::exchange(known.shape_of_catalog, false)) {
      known.shape_at = lsn;
      unsaved_.insert(table);
    }
    return;
  }
  known.shape_of_catalog = false;
  if (known.shape && known.shape_at < lsn) before_.insert_or_assign(table, std::pair{lsn, *known.shape});
  known.shape = std::move(shape);
  known.shape_at = lsn;
  unsaved_.insert(table);
}

void TableLedger::saw_target(const QualifiedName& table, const TargetTable& target) {
  const std::lock_guard lock{mutex_};
  auto& known = known_.at(table);
  if (!known.shape) return;
  auto shape = on_target(*known.shape, target);
  if (shape == *known.shape) return;
  known.shape = std::move(shape);
  unsaved_.insert(table);
}

std::vector<TableLedger::Change> TableLedger::look(const PublishedTables& now, Lsn as_of) {
  const std::lock_guard lock{mutex_};
  std::vector<Change> changes;
  const auto is_renamed = [&](std::uint32_t oid) {
    return std::ranges::any_of(now, [&](const auto& entry) { return entry.second.oid == oid; });
  };
  for (auto& [table, known] : known_) {
    // One that has got another name leaves with the first change under that.
    if (known.state == TableState::left || now.contains(table) || is_renamed(known.oid)) continue;
    known.state = TableState::left;
    unsaved_.insert(table);
    changes.push_back({ErrorName::table_left_publication, table, "the table has left the publications"});
  }
  for (const auto& [table, seen] : now) {
    const auto [found, is_new] = known_.try_emplace(table);
    auto& known = found->second;
    if (is_new) {
      known = {.oid = seen.oid, .as_of = as_of, .published = seen};
      known.former = other_name(known_, table, seen.oid);
      unsaved_.insert(table);
      if (known.former) {
        changes.push_back(
            {ErrorName::table_renamed, table, fmt::format("the table was called {} before", known.former->display())});
        continue;
      }
      if (looked_ && ignore_new_) known.state = TableState::ignored;
      if (looked_) changes.push_back({ErrorName::table_joined_publication, table, "the table joined the publications"});
      continue;
    }
    const bool ours = known.oid == seen.oid || (known.accepted && known.new_oid == seen.oid);
    if (!ours) {
      if (known.state != TableState::recreated) {
        known.state = TableState::recreated;
        known.new_oid = seen.oid;
        known.accepted = false;
        unsaved_.insert(table);
        changes.push_back({ErrorName::table_recreated, table,
                           "another table has taken over the name; its first change waits at a gate"});
      }
    } else if (known.state == TableState::ignored) {
      // until a person lets it in
    } else if (known.former) {
      if (!known.published) changes.push_back(renamed(table, *known.former));
    } else if (known.state != TableState::streaming || !known.published) {
      known.state = TableState::streaming;
      if (known.moved_from) {
        changes.push_back(renamed(table, *known.moved_from));
      } else {
        changes.push_back({ErrorName::table_joined_publication, table, "the table joined the publications"});
      }
    } else if (known.published->oid == seen.oid) {
      compare(table, *known.published, seen, changes);
    }
    if (known.published != seen) {
      known.published = seen;
      unsaved_.insert(table);
    }
  }
  if (!looked_) mark_look_ = true;
  looked_ = true;
  return changes;
}

void TableLedger::save() {
  const std::lock_guard saving{saving_};
  KnownTables rows;
  bool mark = false;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& table : unsaved_) rows.emplace(table, known_.at(table));
    for (const auto& table : unsaved_) known_.at(table).let_in = false;
    unsaved_.clear();
    mark = std::exchange(mark_look_, false);
  }
  if (rows.empty() && !mark) return;
  try {
    write_(rows);
  } catch (...) {
    const std::lock_guard lock{mutex_};
    for (const auto& [table, known] : rows) {
      unsaved_.insert(table);
      known_.at(table).let_in = known_.at(table).let_in || known.let_in;
    }
    mark_look_ = mark_look_ || mark;
    throw;
  }
}

KnownTables TableLedger::known() const {
  const std::lock_guard lock{mutex_};
  return known_;
}

}  // namespace walgate
