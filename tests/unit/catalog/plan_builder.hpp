// plan_builder.hpp - relations, tables and rules in a few words.
#pragma once

#include <string>
#include <vector>

#include "catalog/table_plan.hpp"

namespace walgate::test {

inline constexpr std::uint32_t int4 = 23;
inline constexpr std::uint32_t text = 25;
inline constexpr std::uint32_t jsonb = 3802;

/// public.item as the source describes it.
inline wire::Relation relation(const std::vector<std::pair<std::string, std::uint32_t>>& columns,
                               const std::vector<std::string>& keys = {"id"}, char identity = 'd') {
  wire::Relation made;
  made.schema = "public";
  made.name = "item";
  made.replica_identity = identity;
  for (const auto& [name, type] : columns) {
    wire::Column column;
    column.name = name;
    column.type_oid = column.base_oid = type;
    column.type_schema = "pg_catalog";
    column.type_name = type == int4 ? "int4" : type == text ? "text" : "jsonb";
    column.is_key = identity != 'f' && std::find(keys.begin(), keys.end(), name) != keys.end();
    if (column.is_key) ++made.key_columns;
    made.columns.push_back(column);
  }
  return made;
}

/// store.part as the target has it, with a primary key.
inline TargetTable table(const std::vector<std::pair<std::string, std::uint32_t>>& columns,
                         const std::vector<std::string>& key = {"id"}) {
  TargetTable made;
  made.oid = 17000;
  made.name = {"store", "part"};
  for (const auto& [name, type] : columns) {
    TargetColumn column;
    column.name = name;
    column.type_oid = column.base_oid = type;
    column.category = type == text ? 'S' : 'N';
    column.type_text = column.type_name = type == int4 ? "integer" : type == text ? "text" : "jsonb";
    made.columns.push_back(column);
  }
  if (!key.empty()) made.keys.push_back({"part_pkey", key, {}, true});
  return made;
}

inline TargetTypes types() {
  TargetTypes made;
  made.casts = {{int4, 20}};
  made.array_types = {{int4, 1007}, {text, 1009}, {jsonb, 3807}};
  return made;
}

/// A rule public.item → store.part.
inline TableRule rule() {
  TableRule made;
  made.path = "tables[0]";
  std::string error;
  made.source = *NamePattern::parse("public.item", error);
  made.target = NamePattern::parse("store.part", error);
  return made;
}

}  // namespace walgate::test
