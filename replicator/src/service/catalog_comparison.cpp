#include "service/catalog_comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compare/description_reader.hpp"

namespace walgate::service {

namespace {

/// A lock, or a row of the catalog that goes while it is read.
bool may_pass(const Failure& failure) {
  return failure.sqlstate == "55P03" || failure.sqlstate == "57014" || failure.sqlstate == "XX000";
}

Finding not_compared(std::string object, const std::string& why) {
  return {Severity::info, ErrorName::lock_not_available, std::move(object),
          fmt::format("its tables could not be looked at in full: {}", why), "run `walgate check` again"};
}

}  // namespace

SourceDescriptions read_source_descriptions(const Config& config, const std::vector<wire::Relation>& relations,
                                            postgres::Connection& replication) {
  std::vector<QualifiedName> names;
  for (const auto& relation : relations) {
    const QualifiedName name{relation.schema, relation.name};
    if (map_table(config.tables, name).target) names.push_back(name);
  }
  try {
    return {compare::read_descriptions(replication, names, config.source.publications), {}};
  } catch (const Error& error) {
    if (!may_pass(error.failure())) throw;
    return {{}, error.failure().message};
  }
}

std::vector<MappedTable> mapped_tables(const Config& config, const Situation& now) {
  std::vector<MappedTable> tables;
  std::set<QualifiedName> taken;
  for (const auto& relation : now.relations) {
    const QualifiedName name{relation.schema, relation.name};
    auto mapping = map_table(config.tables, name);
    const auto description = now.descriptions.tables.find(name);
    if (description == now.descriptions.tables.end() || !mapping.target || !taken.insert(*mapping.target).second)
      continue;
    tables.push_back({&relation, std::move(mapping), &description->second});
  }
  return tables;
}

std::vector<QualifiedName> targets_of(const std::vector<MappedTable>& tables) {
  std::vector<QualifiedName> names;
  for (const auto& table : tables) names.push_back(*table.mapping.target);
  return names;
}

compare::Surroundings surroundings_of(const Config& config, const Situation& now,
                                      const std::vector<MappedTable>& tables) {
  return {.constraints_act = !wants_replica_role(config, now),
          .target_of = [&](const QualifiedName& source) -> std::optional<QualifiedName> {
            const auto found = std::ranges::find(tables, source, [](const auto& table) { return table.source->name; });
            return found == tables.end() ? std::nullopt : found->mapping.target;
          },
          .is_target =
              [&](const QualifiedName& target) {
                return std::ranges::any_of(tables, [&](const auto& table) { return table.mapping.target == target; });
              }};
}

std::vector<Finding> compare_catalogs(const Config& config, const Situation& now, postgres::Connection& target) {
  if (!now.descriptions.missing.empty()) return {not_compared("source", now.descriptions.missing)};
  const auto tables = mapped_tables(config, now);
  compare::TableDescriptions described;
  try {
    described = compare::read_descriptions(target, targets_of(tables));
  } catch (const Error& error) {
    if (!may_pass(error.failure())) throw;
    return {not_compared("target", error.failure().message)};
  }
  const auto around = surroundings_of(config, now, tables);
  std::vector<Finding> findings;
  std::set<std::string> types;  // several columns may be of one
  for (const auto& table : tables) {
    const auto description = described.find(*table.mapping.target);
    if (description == described.end()) continue;
    for (auto& observation :
         compare::compare({*table.relation, table.mapping, *table.source, description->second}, around)) {
      auto& finding = observation.finding;
      const bool told = finding.name == ErrorName::enum_label_missing && !types.insert(finding.object).second;
      if (!told) findings.push_back(std::move(finding));
    }
  }
  return findings;
}

}  // namespace walgate::service
