// constraints.cpp - CHECK, EXCLUDE and FOREIGN KEY constraints that only the target has.

#include <fmt/format.h>

#include "compare/comparison.hpp"

namespace walgate::compare {

namespace {

/// What a constraint demands of rows that come.
std::string without_suffixes(std::string definition) {
  for (bool cut = true; cut;) {
    cut = false;
    for (const std::string_view suffix : {" NOT VALID", " NO INHERIT"}) {
      if (!definition.ends_with(suffix)) continue;
      definition.resize(definition.size() - suffix.size());
      cut = true;
    }
  }
  return definition;
}

bool same_definition(const TablePair& pair, const ConstraintDescription& source, const ConstraintDescription& target) {
  if (source.kind != target.kind || !source.validated || !source.enforced) return false;
  return pair.as_on_target(without_suffixes(source.definition)) == without_suffixes(target.definition);
}

bool same_reference(const TablePair& pair, const Surroundings& around, const ConstraintDescription& source,
                    const ConstraintDescription& target) {
  if (source.kind != 'f' || !source.validated || !source.enforced) return false;
  if (around.target_of(source.referenced) != target.referenced || source.columns.size() != target.columns.size()) {
    return false;
  }
  return std::ranges::all_of(source.columns, [&](const std::string& column) {
    const auto name = pair.mapping.target_column(column);
    return name && std::ranges::find(target.columns, *name) != target.columns.end();
  });
}

}  // namespace

void compare_constraints(const TablePair& pair, const Surroundings& around, Observations& found) {
  for (const auto& target : pair.target.constraints) {
    if (!target.enforced || (target.kind == 'f' && !around.constraints_act)) continue;
    const bool is_known = std::ranges::any_of(pair.source.constraints, [&](const ConstraintDescription& source) {
      return target.kind == 'f' ? same_reference(pair, around, source, target) : same_definition(pair, source, target);
    });
    if (is_known) continue;
    found.push_back(observe(
        Severity::info, ErrorName::constraint_only_on_target, pair.target.name.display(),
        fmt::format("the source has no constraint like {}: {}", display_identifier(target.name), target.definition)));
  }
}

}  // namespace walgate::compare
