#include "service/enum_labels.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>
#include <string>

#include "catalog/table_mapping.hpp"
#include "stream/source_session.hpp"

namespace walgate::service {

namespace {

using postgres::Connection;
using postgres::rows;
using postgres::text_field;

/// An enum of a column, or of the elements of an array, with its labels in their order.
struct ColumnEnum {
  QualifiedName type;
  std::vector<std::string> labels;
};

/// By column.
std::map<std::string, ColumnEnum> enums_of(Connection& session, const QualifiedName& table) {
  const auto result = session.exec(
      "SELECT a.attname, tn.nspname, e.typname, l.enumlabel FROM pg_catalog.pg_attribute a "
      "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
      "JOIN pg_catalog.pg_type e ON e.typtype = 'e' AND e.oid IN (t.oid, t.typelem, t.typbasetype) "
      "JOIN pg_catalog.pg_namespace tn ON tn.oid = e.typnamespace JOIN pg_catalog.pg_enum l ON l.enumtypid = e.oid "
      "WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped "
      "ORDER BY a.attnum, l.enumsortorder",
      {table.schema, table.name});
  std::map<std::string, ColumnEnum> enums;
  for (int row = 0; row < rows(result); ++row) {
    auto& column = enums[text_field(result, row, 0)];
    column.type = {text_field(result, row, 1), text_field(result, row, 2)};
    column.labels.push_back(text_field(result, row, 3));
  }
  return enums;
}

}  // namespace

std::vector<Difference> missing_labels(const Config& config, const wire::Relation& relation, Connection& target,
                                       const Event* stop) {
  const QualifiedName source_name{relation.schema, relation.name};
  const auto mapping = map_table(config.tables, source_name);
  if (!mapping.target) return {};
  const auto there = enums_of(target, *mapping.target);
  if (there.empty()) return {};
  auto source = stream::open_monitor(config, stop);
  std::vector<Difference> differences;
  for (const auto& [column, type] : enums_of(source, source_name)) {
    const auto wanted = mapping.target_column(column);
    const auto found = wanted ? there.find(*wanted) : there.end();
    if (found == there.end()) continue;
    const std::set<std::string> known{found->second.labels.begin(), found->second.labels.end()};
    std::vector<std::string> missing;
    std::string remedy;
    for (const auto& label : type.labels) {
      if (known.contains(label)) continue;
      missing.push_back(quote_literal(label));
      remedy += fmt::format("{}ALTER TYPE {} ADD VALUE {}", remedy.empty() ? "" : "; ", found->second.type.quoted(),
                            quote_literal(label));
    }
    if (missing.empty()) continue;
    differences.push_back({ErrorName::enum_label_missing, source_name.display() + "." + display_identifier(column),
                           fmt::format("the target's type {} lacks the labels {}", found->second.type.display(),
                                       fmt::join(missing, ", ")),
                           "add them by a migration: " + remedy});
  }
  return differences;
}

}  // namespace walgate::service
