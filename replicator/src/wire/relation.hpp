// relation.hpp - a relation as the source describes it, in the stream or in its catalog.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "walgate/wire_format.hpp"

namespace walgate::wire {

struct Column {
  std::string name;
  std::uint16_t number = 0;   ///< pg_attribute.attnum: a rename keeps it; a column that is added again has another
  bool is_key = false;        ///< part of the replica identity
  bool is_generated = false;  ///< stored, and computed by the source
  ValueFormat format = ValueFormat::binary;
  char type_kind = 'b';  ///< pg_type.typtype
  std::uint32_t type_oid = 0;
  std::uint32_t base_oid = 0;  ///< what a domain stands on, else type_oid
  std::int32_t typmod = -1;
  std::string type_schema;
  std::string type_name;
  friend bool operator==(const Column&, const Column&) = default;
};

/// One version of a relation.  Columns are in the order of the row images.
struct Relation {
  std::uint32_t serial = 0;  ///< counts the versions of all relations in a session, from 0
  std::uint32_t id = 0;
  std::uint32_t version = 0;
  std::uint32_t oid = 0;
  char relkind = 'r';
  char replica_identity = 'd';  ///< pg_class.relreplident
  std::string schema;
  std::string name;
  std::vector<Column> columns;
  std::uint16_t key_columns = 0;  ///< how many of them are part of the identity

  friend bool operator==(const Relation&, const Relation&) = default;
  /// The same name and the same columns; how rows are identified may differ.
  [[nodiscard]] bool looks_like(const Relation& other) const {
    return schema == other.schema && name == other.name &&
           std::equal(columns.begin(), columns.end(), other.columns.begin(), other.columns.end(),
                      [](const Column& a, const Column& b) {
                        return a.number == b.number && a.name == b.name && a.type_oid == b.type_oid &&
                               a.typmod == b.typmod;
                      });
  }
  [[nodiscard]] bool has_full_identity() const noexcept { return replica_identity == 'f'; }
};

}  // namespace walgate::wire
