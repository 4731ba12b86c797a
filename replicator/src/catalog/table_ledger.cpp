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

/// `held`: the table's row under its OID, if there is one.
std::optional<QualifiedName> former_of(const KnownTables& known, const HeldTable* held, const QualifiedName& table,
                                       std::uint32_t oid) {
  if (held != nullptr) return held->source == table ? std::nullopt : std::optional{held->source};
  // Nothing of it was streamed yet: the oldest name that it is known by.
  const auto age = [](const KnownTable& each) { return each.as_of.is_set() ? each.as_of.value : UINT64_MAX; };
  const auto entry = known.find(table);
  const auto its_age = entry == known.end() || entry->second.oid != oid ? UINT64_MAX : age(entry->second);
  std::optional<QualifiedName> former;
  for (const auto& [name, other] : known) {
    if (other.oid != oid || other.state == TableState::left || age(other) >= its_age) continue;
    if (!former || age(other) < age(known.at(*former))) former = name;
  }
  return former;
}

/// Another name that the table has left.
std::optional<QualifiedName> left_name(const KnownTables& known, const QualifiedName& table) {
  const auto found = std::ranges::find_if(known, [&](const auto& entry) {
    return entry.first != table && entry.second.oid == known.at(table).oid && entry.second.state == TableState::left;
  });
  return found == known.end() ? std::nullopt : std::optional{found->first};
}

}  // namespace

std::optional<QualifiedName> RememberedTables::former_name(const QualifiedName& table) const {
  const auto known = tables.find(table);
  if (known == tables.end()) return std::nullopt;
  const auto found = held.find(known->second.oid);
  return former_of(tables, found == held.end() ? nullptr : &found->second, table, known->second.oid);
}

const HeldTable* TableLedger::streamed(std::uint32_t oid) const {
  const auto found = held_.find(oid);
  return found == held_.end() || found->second.of_catalog ? nullptr : &found->second.table;
}

std::optional<QualifiedName> TableLedger::former(const QualifiedName& table) const {
  const auto found = known_.find(table);
  if (found == known_.end()) return std::nullopt;
  return former_of(known_, streamed(found->second.oid), table, found->second.oid);
}

bool TableLedger::is_same(const QualifiedName& table, std::uint32_t oid, Lsn lsn) {
  const std::lock_guard lock{mutex_};
  const auto [found, is_new] = known_.try_emplace(table);
  auto& known = found->second;
  if (is_new) {
    known.oid = oid;
    if (looked_ && ignore_new_ && !former(table)) known.state = TableState::ignored;
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
  known.let_in = true;
  unsaved_.insert(table);
}

bool TableLedger::take_over(const QualifiedName& table, std::uint32_t oid, std::uint32_t target_oid, Lsn lsn) {
  const std::lock_guard lock{mutex_};
  const auto* const held = streamed(oid);
  if (held == nullptr || held->source == table || held->shape.target_oid != target_oid) return false;
  // After a crash the transaction comes once more, with rows under the names from before and from after the exchange.
  auto& known = known_[table];
  known.oid = known.new_oid = oid;
  known.as_of = lsn;
  known.accepted = true;
  known.state = TableState::streaming;
  unsaved_.insert(table);
  return true;
}

bool TableLedger::is_ignored(const QualifiedName& table) const {
  const std::lock_guard lock{mutex_};
  const auto found = known_.find(table);
  return found != known_.end() && found->second.state == TableState::ignored;
}

std::optional<QualifiedName> TableLedger::former_name(const QualifiedName& table) const {
  const std::lock_guard lock{mutex_};
  return former(table);
}

QualifiedName TableLedger::held_as(const QualifiedName& table, std::uint32_t oid) const {
  const std::lock_guard lock{mutex_};
  return former_of(known_, streamed(oid), table, oid).value_or(table);
}

std::optional<std::uint32_t> TableLedger::holder_of(const QualifiedName& table) const {
  const std::lock_guard lock{mutex_};
  const auto found = known_.find(table);
  return found == known_.end() ? std::nullopt : std::optional{found->second.oid};
}

std::uint32_t TableLedger::target_of(std::uint32_t oid) const {
  const std::lock_guard lock{mutex_};
  const auto found = held_.find(oid);
  return found == held_.end() ? 0 : found->second.table.shape.target_oid;
}

std::optional<TableShape> TableLedger::before(const Held& held, Lsn lsn) {
  if (held.of_catalog && lsn <= held.at) return std::nullopt;
  return held.at == lsn ? held.before : held.table.shape;
}

std::optional<TableShape> TableLedger::shape_before(const QualifiedName& table, std::uint32_t oid, Lsn lsn) const {
  const std::lock_guard lock{mutex_};
  const auto found = held_.find(oid);
  if (!lsn.is_set() || found == held_.end()) return std::nullopt;
  const auto known = known_.find(table);
  if (known != known_.end() && known->second.accepted_at == lsn) return std::nullopt;
  return before(found->second, lsn);
}

bool TableLedger::is_accepted(const QualifiedName& table, Lsn lsn) const {
  const std::lock_guard lock{mutex_};
  const auto found = known_.find(table);
  return found != known_.end() && lsn.is_set() && found->second.accepted_at == lsn;
}

void TableLedger::remember(std::uint32_t oid, HeldTable table, Lsn lsn) {
  const std::lock_guard lock{mutex_};
  held_.try_emplace(oid, Held{.table = std::move(table), .at = lsn, .of_catalog = true, .before = std::nullopt});
}

void TableLedger::forget_columns(std::uint32_t oid) {
  const std::lock_guard lock{mutex_};
  held_.erase(oid);
}

void TableLedger::saw(std::uint32_t oid, const HeldTable& table, Lsn lsn) {
  const std::lock_guard lock{mutex_};
  const auto [found, is_new] = held_.try_emplace(oid);
  auto& held = found->second;
  if (!is_new && !held.of_catalog && held.table == table) return;
  if (!is_new && held.table.source != table.source) {
    // It is known by its new name from here on.
    const auto former = known_.find(held.table.source);
    if (former != known_.end() && former->second.oid == oid && former->second.state == TableState::streaming) {
      former->second.state = TableState::left;
      unsaved_.insert(former->first);
    }
  }
  auto its_before = is_new ? std::nullopt : before(held, lsn);
  held = {.table = table, .at = lsn, .of_catalog = false, .before = std::move(its_before)};
  unwritten_.insert_or_assign(oid, table);
}

HeldTables TableLedger::take_unwritten() {
  const std::lock_guard lock{mutex_};
  return std::exchange(unwritten_, {});
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
      unsaved_.insert(table);
      if (const auto before = former(table)) {
        changes.push_back(renamed(table, *before));
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
    } else if (const auto before = former(table)) {
      if (!known.published) changes.push_back(renamed(table, *before));
    } else if (known.state != TableState::streaming || !known.published) {
      known.state = TableState::streaming;
      if (const auto left = left_name(known_, table)) {
        changes.push_back(renamed(table, *left));
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

RememberedTables TableLedger::remembered() const {
  const std::lock_guard lock{mutex_};
  RememberedTables all{.tables = known_, .held = {}, .looked = looked_};
  for (const auto& [oid, held] : held_) {
    if (!held.of_catalog) all.held.emplace(oid, held.table);
  }
  return all;
}

}  // namespace walgate
