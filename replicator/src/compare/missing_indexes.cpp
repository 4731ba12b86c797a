// missing_indexes.cpp - where our changes, or the target's own checks, would read whole tables.

#include <fmt/format.h>

#include <set>

#include "compare/comparison.hpp"

namespace walgate::compare {

namespace {

/// Finds the index the rows that refer to a given one?
bool serves(const IndexDescription& index, const std::vector<std::string>& columns) {
  if (!index.valid || index.columns.size() < columns.size()) return false;
  if (index.method != "btree" && index.method != "gist" && index.method != "spgist" && index.method != "hash")
    return false;
  const bool only_leaves_nulls_out = std::ranges::any_of(columns, [&](const std::string& column) {
    return index.predicate == fmt::format("({} IS NOT NULL)", display_identifier(column));
  });
  if (!index.predicate.empty() && !only_leaves_nulls_out) return false;
  std::set<std::string> leading;
  for (std::size_t i = 0; i < columns.size(); ++i) leading.insert(index.columns[i].name);
  return leading == std::set<std::string>{columns.begin(), columns.end()};
}

void find_unindexed_references(const TablePair& pair, const Surroundings& around, Observations& found) {
  for (const auto& key : pair.target.constraints) {
    if (key.kind != 'f' || !key.enforced || key.columns.empty()) continue;
    const bool is_served = std::ranges::any_of(
        pair.target.indexes, [&](const IndexDescription& index) { return serves(index, key.columns); });
    if (is_served) continue;
    const bool we_change_parents = around.constraints_act && around.is_target(key.referenced);
    const auto create = fmt::format("CREATE INDEX ON {} ({})", pair.target.name.display(), sql_list(key.columns));
    found.push_back(observe(
        we_change_parents ? Severity::warning : Severity::info, ErrorName::foreign_key_without_index,
        pair.target.name.display(),
        fmt::format(
            "no index over ({}), by which foreign key {} finds the rows that refer to {}: each delete there, and "
            "each update of its key, reads the whole table",
            sql_list(key.columns), display_identifier(key.name), key.referenced.display()),
        we_change_parents ? Proposal::run : Proposal::question, {create}));
  }
}

/// Not null and unique on the source, and all of it comes: what could be a primary key of the target.
std::vector<std::string> possible_key(const TablePair& pair) {
  for (const auto& index : pair.source.indexes) {
    if (!index.unique || !index.valid || !index.immediate || index.period || !index.predicate.empty()) continue;
    std::vector<std::string> columns;
    for (const auto& column : index.columns) {
      const auto* own = pair.source.column(column.name);
      const auto name = own == nullptr ? std::nullopt : pair.mapping.target_column(own->name);
      const auto* target = name ? pair.target.column(*name) : nullptr;
      if (own == nullptr || !own->not_null || target == nullptr || !pair.is_published(own->name)) break;
      columns.push_back(target->name);
    }
    if (columns.size() == index.columns.size()) return columns;
  }
  return {};
}

/// With identity FULL, rows are found by the target's primary key or by reading all of them.
void find_missing_apply_key(const TablePair& pair, Observations& found) {
  if (!pair.relation.has_full_identity() || !pair.source.rows_change) return;
  const auto primary = std::ranges::find(pair.target.indexes, true, &IndexDescription::primary);
  const bool has_primary = primary != pair.target.indexes.end();
  const bool is_mapped = has_primary && !primary->period && primary->valid && primary->immediate &&
                         std::ranges::all_of(primary->columns, [&](const IndexColumn& column) {
                           return pair.source_of(column.name) != nullptr;
                         });
  if (is_mapped) return;
  const auto key = possible_key(pair);
  std::vector<std::string> statements;
  if (!key.empty() && !has_primary) {
    statements.push_back(fmt::format("ALTER TABLE {} ADD PRIMARY KEY ({})", pair.target.name.display(), sql_list(key)));
  }
  const auto proposal = statements.empty() ? Proposal::none : Proposal::run;
  found.push_back(
      observe(Severity::warning, ErrorName::apply_key_without_index, pair.target.name.display(),
              "the source's replica identity is FULL, and the target has no primary key over columns that the stream "
              "brings: each "
              "update and delete reads the whole table",
              proposal, std::move(statements),
              key.empty() ? "give both sides a primary key; no other index helps, because rows are compared as a whole"
              : has_primary ? fmt::format("make ({}) the primary key", sql_list(key))
                            : ""));
}

}  // namespace

void find_missing_indexes(const TablePair& pair, const Surroundings& around, Observations& found) {
  find_unindexed_references(pair, around, found);
  find_missing_apply_key(pair, found);
}

}  // namespace walgate::compare
