#include "mirror/record_key.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "catalog/table_mapping.hpp"
#include "errors/error.hpp"
#include "mirror/table_records.hpp"

namespace walgate::mirror {

std::vector<std::uint16_t> key_columns(const Config& config, const wire::Relation& relation) {
  const QualifiedName table{relation.schema, relation.name};
  const auto mapping = map_table(config.tables, table);
  if (mapping.rule == nullptr || mapping.rule->key.empty()) return identity_columns(relation);
  std::vector<std::uint16_t> key;
  for (const auto& name : mapping.rule->key) {
    const auto found = std::ranges::find(relation.columns, name, &wire::Column::name);
    if (found == relation.columns.end()) {
      throw Error{{.name = ErrorName::mirror_key_unknown,
                   .message = fmt::format("table {} has no column {}, which {} names for the key of its records",
                                          table.display(), display_identifier(name), mapping.rule->path),
                   .remedy = "correct tables[].key, or publish the column",
                   .phase = "mirror",
                   .relation = table.display()}};
    }
    key.push_back(static_cast<std::uint16_t>(found - relation.columns.begin()));
  }
  return key;
}

}  // namespace walgate::mirror
