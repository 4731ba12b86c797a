// target_catalog.hpp - reads what the target has into catalog/target_table.hpp.
#pragma once

#include <map>
#include <span>
#include <utility>
#include <vector>

#include "catalog/table_plan.hpp"
#include "catalog/target_table.hpp"
#include "postgres/connection.hpp"

namespace walgate::apply {

/// The tables of `wanted` that exist, by name.  A few round trips, however many tables.
[[nodiscard]] std::map<QualifiedName, TargetTable> read_tables(postgres::Connection& target,
                                                               const std::vector<QualifiedName>& wanted);

/// Casts of the target, its types of those names that the relations use and that are not built in, and the types that
/// the rules cast to.
[[nodiscard]] TargetTypes read_types(postgres::Connection& target, std::span<const wire::Relation> relations,
                                     std::span<const TableRule> rules);

}  // namespace walgate::apply
