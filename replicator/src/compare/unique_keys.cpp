// unique_keys.cpp - what is unique on the target and need not be so on the source.
//
// A unique index of the target cannot be violated where the source has one over some of the same columns that keeps at
// least as many rows apart.

#include <fmt/format.h>

#include "compare/comparison.hpp"
#include "compare/expression.hpp"
#include "compare/type_loss.hpp"

namespace walgate::compare {

namespace {

class UniqueKeys {
 public:
  explicit UniqueKeys(const TablePair& pair) : pair_{pair} {}

  /// Does this index of the source keep rows apart that would collide in that one of the target?
  [[nodiscard]] bool guarantees(const IndexDescription& source, const IndexDescription& target) const {
    if (!source.unique || !source.valid) return false;
    if (!source.predicate.empty() && pair_.as_on_target(source.predicate) != target.predicate) return false;
    if (target.period && source.period && !same_column(source.columns.back(), target.columns.back())) return false;
    const std::size_t compared = target.period && !source.period ? target.columns.size() - 1 : target.columns.size();
    for (const auto& column : source.columns) {
      const bool is_there =
          std::any_of(target.columns.begin(), target.columns.begin() + static_cast<std::ptrdiff_t>(compared),
                      [&](const IndexColumn& other) { return same_column(column, other); });
      if (!is_there) return false;
    }
    return !target.nulls_not_distinct || source.nulls_not_distinct || knows_no_null(source);
  }

  /// Does something that the stream does not bring keep rows apart: a number that the target counts on, a value that
  /// differs by itself, or null?
  [[nodiscard]] bool is_apart_by_itself(const IndexDescription& target) const {
    return std::ranges::any_of(target.columns, [&](const IndexColumn& column) {
      const auto* own = column.name.empty() ? nullptr : pair_.target.column(column.name);
      if (own == nullptr || own->generated != '\0' || pair_.source_of(column.name) != nullptr) return false;
      if (own->identity != '\0') return true;
      if (!own->default_value || is_null(*own->default_value)) return !target.nulls_not_distinct;
      return !constant_of(*own->default_value);
    });
  }

 private:
  [[nodiscard]] bool same_column(const IndexColumn& source, const IndexColumn& target) const {
    if (source.name.empty() || target.name.empty()) {
      return source.name.empty() && target.name.empty() && pair_.as_on_target(source.expression) == target.expression &&
             (target.deterministic || !source.deterministic);
    }
    const auto* from = pair_.source_of(target.name);
    const auto* to = pair_.target.column(target.name);
    return from != nullptr && to != nullptr && from->name == source.name && !pair_.mapping.cast(target.name) &&
           keeps_apart(from->type, to->type) && (target.deterministic || !source.deterministic);
  }
  [[nodiscard]] bool knows_no_null(const IndexDescription& source) const {
    return std::ranges::all_of(source.columns, [&](const IndexColumn& column) {
      const auto* own = pair_.source.column(column.name);
      return own != nullptr && own->not_null;
    });
  }

  const TablePair& pair_;
};

std::string drop(const TablePair& pair, const IndexDescription& index) {
  if (!index.constraint.empty()) {
    return fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", pair.target.name.display(),
                       display_identifier(index.constraint));
  }
  return "DROP INDEX " + QualifiedName{pair.target.name.schema, index.name}.display();
}

std::string_view kind_of(const IndexDescription& index) {
  if (index.primary) return "primary key";
  return index.constraint.empty() ? "unique index" : "unique constraint";
}

}  // namespace

void compare_unique_keys(const TablePair& pair, const Surroundings& around, Observations& found) {
  const UniqueKeys keys{pair};
  for (const auto& target : pair.target.indexes) {
    // Replica role does not check what is deferrable, which is told elsewhere.
    if (!target.unique || (!target.immediate && !around.constraints_act) || keys.is_apart_by_itself(target)) continue;
    bool at_commit = false;
    bool always = false;
    for (const auto& source : pair.source.indexes) {
      if (!keys.guarantees(source, target)) continue;
      (source.immediate || !target.immediate ? always : at_commit) = true;
    }
    if (always) continue;
    const auto what = fmt::format("{} {} over {}{}", kind_of(target), display_identifier(target.name),
                                  target.column_list(), target.predicate.empty() ? "" : " WHERE " + target.predicate);
    found.push_back(observe(Severity::warning, ErrorName::unique_only_on_target, pair.target.name.display(),
                            at_commit ? what + ": the source checks the same at the end of a transaction, and rows may "
                                               "collide for a moment within it"
                                      : what + ": the source may send rows that collide in it",
                            Proposal::question, {drop(pair, target)},
                            at_commit ? "or make it DEFERRABLE" : "or make the same unique on the source"));
  }
}

}  // namespace walgate::compare
