// table_description.hpp - a table as the catalog of either side describes it: what a person would see in psql's \d.
//
// Texts are those of the server's own functions under an empty search path, so that equal texts mean the same on both
// sides: every name outside of pg_catalog bears its schema.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/identifier.hpp"

namespace walgate::compare {

struct ColumnType {
  std::string text;                 ///< with its length: "character varying(20)", "sales.mood[]"
  std::string base_text;            ///< the same of what a domain stands on; else `text`
  bool array = false;               ///< of the type that it stands on
  std::uint32_t leaf = 0;           ///< OID of the type that it stands on, of its elements where that is an array
  std::int32_t typmod = -1;         ///< of the type that it stands on
  char leaf_kind = 'b';             ///< pg_type.typtype of `leaf`
  QualifiedName leaf_name;          ///< of `leaf`
  QualifiedName named;              ///< the type that the column names, of its elements where that is an array
  char named_kind = 'b';            ///< pg_type.typtype of `named`
  std::string extension;            ///< that made `named`; else empty
  std::vector<std::string> labels;  ///< of `leaf` where it is an enum, in their order
  std::vector<std::string> domain_checks;  ///< definitions of the CHECK constraints of domains
  friend bool operator==(const ColumnType&, const ColumnType&) = default;
};

struct ColumnDescription {
  std::string name;
  ColumnType type;
  bool not_null = false;                     ///< holds for every row: neither NOT VALID nor only from now on
  bool refuses_null = false;                 ///< for rows that come
  std::optional<std::string> default_value;  ///< pg_get_expr; of a generated column its expression
  std::optional<std::string> missing;        ///< what rows hold that are older than the column (attmissingval), as text
  bool added = false;                        ///< later than its table was made, or altered since
  char generated = '\0';                     ///< 's' stored, 'v' virtual
  char identity = '\0';                      ///< 'a' always, 'd' by default
  std::string collation;                     ///< for COLLATE, where it is not the type's own; else empty
};

struct IndexColumn {
  std::string name;        ///< of a plain column; else empty
  std::string expression;  ///< of others
  bool deterministic = true;
};

struct IndexDescription {
  std::string name;
  std::string method;  ///< "btree"
  std::vector<IndexColumn> columns;
  std::string predicate;   ///< of a partial index; else empty
  std::string constraint;  ///< that it belongs to; else empty
  bool unique = false;
  bool primary = false;
  bool immediate = true;
  bool valid = true;
  bool exclusion = false;
  bool period = false;  ///< WITHOUT OVERLAPS: of its last column
  bool nulls_not_distinct = false;

  /// "(id, lower(name))"
  [[nodiscard]] std::string column_list() const;
};

struct ConstraintDescription {
  std::string name;
  char kind = 'c';         ///< 'c' CHECK, 'x' EXCLUDE, 'f' FOREIGN KEY
  std::string definition;  ///< pg_get_constraintdef
  bool validated = true;
  bool enforced = true;
  // Of a foreign key:
  std::vector<std::string> columns;
  QualifiedName referenced;
  std::vector<std::string> referenced_columns;
};

struct TableDescription {
  QualifiedName name;
  char relkind = 'r';
  bool rows_change = false;  ///< publications let updates or deletes through (on the source)
  std::vector<ColumnDescription> columns;
  std::vector<IndexDescription> indexes;
  std::vector<ConstraintDescription> constraints;

  [[nodiscard]] const ColumnDescription* column(const std::string& wanted) const noexcept {
    const auto found = std::ranges::find(columns, wanted, &ColumnDescription::name);
    return found == columns.end() ? nullptr : &*found;
  }
};
using TableDescriptions = std::map<QualifiedName, TableDescription>;

}  // namespace walgate::compare
