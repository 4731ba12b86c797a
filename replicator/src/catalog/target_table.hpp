// target_table.hpp - a table of the target, as far as applying has to know it.
//
// Filled by apply/target_catalog.cpp from the target's catalog.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/identifier.hpp"

namespace walgate {

struct TargetColumn {
  std::string name;
  std::uint16_t number = 0;  ///< pg_attribute.attnum
  std::uint32_t type_oid = 0;
  std::uint32_t base_oid = 0;  ///< what a domain stands on, else type_oid
  char category = 'U';         ///< pg_type.typcategory of base_oid; 'S' takes any value by assignment
  std::string type_text;       ///< format_type, for messages
  std::string type_name;       ///< the same without a length, for casts
  std::string base_name;       ///< type_name of base_oid
  std::string extension_type;  ///< pg_type.typname where an extension made the type or its elements, else empty
  std::int32_t typmod = -1;    ///< pg_attribute.atttypmod
  bool deterministic = true;   ///< strings are equal only when their bytes are
  bool not_null = false;
  bool has_default = false;      ///< default, identity or generated: the server can fill it
  bool generated = false;        ///< cannot be written
  bool identity_always = false;  ///< needs OVERRIDING SYSTEM VALUE, cannot be updated
};

/// A valid, immediate, whole-table unique index over plain columns: what can be an apply key.
struct TargetKey {
  std::string index;
  std::vector<std::string> columns;
  std::vector<std::string> equality;  ///< the index's own operator for each column: "OPERATOR(public.=)", or "="
  bool primary = false;
};

/// A foreign key.
struct TargetForeignKey {
  std::string name;
  QualifiedName table;  ///< the table that refers
  QualifiedName referenced;
  bool deferrable = false;
  bool cascades = false;  ///< ON DELETE CASCADE
};

struct TargetTable {
  std::uint32_t oid = 0;
  QualifiedName name;
  char relkind = 'r';
  std::vector<TargetColumn> columns;
  std::vector<TargetKey> keys;
  std::vector<TargetForeignKey> foreign_keys;    ///< of this table
  std::vector<TargetForeignKey> referring_keys;  ///< of other tables, to this one
  std::vector<std::string> ordinary_triggers;    ///< user triggers that replica role switches off
  bool fires_as_origin = false;                  ///< triggers or rules of users act, also of partitions
  bool fires_as_replica = false;                 ///< the same where session_replication_role is replica
  std::vector<std::string> deferrable_keys;      ///< unique constraints that replica role switches off
  std::vector<std::string> missing_rights;       ///< of INSERT, UPDATE, DELETE, TRUNCATE

  [[nodiscard]] const TargetColumn* column(const std::string& wanted) const noexcept {
    const auto found = std::ranges::find(columns, wanted, &TargetColumn::name);
    return found == columns.end() ? nullptr : &*found;
  }
};

/// Can a value of type `from` be stored in a column of type `to` without being asked to, as an INSERT would?
/// From pg_cast: contexts 'i' and 'a'.
struct AssignmentCast {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  friend bool operator==(const AssignmentCast&, const AssignmentCast&) = default;
};

}  // namespace walgate
