// catalog_comparison.hpp - the catalogs of both sides compared in full, table by table (compare/comparison.hpp).
#pragma once

#include <vector>

#include "compare/comparison.hpp"
#include "config/config.hpp"
#include "postgres/connection.hpp"
#include "service/start_checks.hpp"

namespace walgate::service {

/// Reads the published tables of the source; waits a little, and not for ever, for who has locked one.  Throws Error.
[[nodiscard]] SourceDescriptions read_source_descriptions(const Config& config,
                                                          const std::vector<wire::Relation>& relations,
                                                          postgres::Connection& replication);

/// A table of the source that goes to the target.
struct MappedTable {
  const wire::Relation* relation;
  TableMapping mapping;  ///< with a target
  const compare::TableDescription* source;
};
/// All of which the source could be read; of several that go to one target table the first.  Leads into both
/// arguments.
[[nodiscard]] std::vector<MappedTable> mapped_tables(const Config& config, const Situation& now);
/// Their targets.
[[nodiscard]] std::vector<QualifiedName> targets_of(const std::vector<MappedTable>& tables);

/// For pairs of these tables.  Leads into the arguments.
[[nodiscard]] compare::Surroundings surroundings_of(const Config& config, const Situation& now,
                                                    const std::vector<MappedTable>& tables);

/// What is narrower, stricter, slower or otherwise filled on the target than on the source.
[[nodiscard]] std::vector<Finding> compare_catalogs(const Config& config, const Situation& now,
                                                    postgres::Connection& target);

}  // namespace walgate::service
