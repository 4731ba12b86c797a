// schema_versions.hpp - which columns a table had when a record was made, as a number that its readers can tell from
// others.
//
// A topic of the mirror's own holds one record per version of each table:
//
//   key    {"table":"public.item","version":"1.1"}
//   value  {"table":…,"version":"1.1","major":1,"minor":1,"lsn":"0/15D68A0",
//           "columns":[{"name":"id","type":"int4","typmod":-1,"key":1},{"name":"note","type":"text","typmod":-1,"key":null}]}
//
// The first version of a table is 1.0.  Where columns are only added, the minor number rises: who reads the older
// version can read the newer one.  Any other change raises the major number.  Columns that were there before, with the
// same names, types, order and key, are the same version again, so that a record that is sent twice has it both times.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/lsn.hpp"
#include "wire/relation.hpp"

namespace walgate::mirror {

struct SchemaColumn {
  std::string name;
  std::string type;  ///< schema.name; without the schema where that is pg_catalog
  std::int32_t typmod = -1;
  std::uint16_t key = 0;  ///< place in the key of records, from 1; 0: not part of it
  friend bool operator==(const SchemaColumn&, const SchemaColumn&) = default;
};

/// The columns of records of this relation.  `key` lists the columns of their key.
[[nodiscard]] std::vector<SchemaColumn> schema_columns(const wire::Relation& relation,
                                                       std::span<const std::uint16_t> key);

/// Has `after` all that `before` has, in its order, and beside it only columns outside of the key?
[[nodiscard]] bool only_adds(std::span<const SchemaColumn> before, std::span<const SchemaColumn> after);

struct SchemaVersion {
  std::uint32_t major = 1;
  std::uint32_t minor = 0;
  Lsn lsn;  ///< final_lsn of the transaction that used it first
  std::vector<SchemaColumn> columns;

  /// "1.0", as the header of records has it.
  [[nodiscard]] std::string text() const;
};

[[nodiscard]] std::string schema_key(std::string_view table, const SchemaVersion& version);
[[nodiscard]] std::string schema_value(std::string_view table, const SchemaVersion& version);

class SchemaVersions {
 public:
  /// Takes a record of the topic over.  Throws Error mirror_progress_lost for one that cannot be read.
  void read(std::string_view value);

  struct Numbered {
    const SchemaVersion& version;  ///< stays where it is
    bool is_new;                   ///< its record is still to be written
  };
  /// The version of a table, schema.name, that has these columns; made where there is none.
  [[nodiscard]] Numbered of(const std::string& table, std::vector<SchemaColumn> columns, Lsn lsn);

  /// The version that a header names; null: unknown.
  [[nodiscard]] const SchemaVersion* find(const std::string& table, std::string_view text) const;

 private:
  using Number = std::pair<std::uint32_t, std::uint32_t>;
  std::map<std::string, std::map<Number, SchemaVersion>, std::less<>> tables_;
};

}  // namespace walgate::mirror
