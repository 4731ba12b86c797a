// table_shape.hpp - the columns that a source table had when its changes were last applied, and what a change of them
// asks for.
//
// A row image has no names, and what ALTER TABLE does to rows that exist is not in the stream.  So the target remembers
// which column filled which (walgate.shapes): by their numbers (pg_attribute.attnum), because a rename keeps the number
// and a column that is dropped and added again gets another one, on either side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/table_mapping.hpp"
#include "catalog/table_plan.hpp"
#include "catalog/target_table.hpp"
#include "wire/relation.hpp"

namespace walgate {

/// A column of the source, and the one of the target that its values went to.
struct SeenColumn {
  std::uint16_t number = 0;
  std::string name;
  std::uint32_t type_oid = 0;
  std::int32_t typmod = -1;
  std::string target;               ///< empty: the column was left out
  std::uint16_t target_number = 0;  ///< of that column
  std::uint32_t target_type = 0;
  std::int32_t target_typmod = -1;
  bool same_type = false;  ///< the target's type was that of the source, with its length
  friend bool operator==(const SeenColumn&, const SeenColumn&) = default;
};

/// As of the transaction that brought it.
struct TableShape {
  std::uint32_t target_oid = 0;
  std::uint16_t newest_target = 0;  ///< the highest number of a column of the target, filled or not
  std::vector<SeenColumn> columns;
  friend bool operator==(const TableShape&, const TableShape&) = default;
};

/// What a relation that fits its target looks like.
[[nodiscard]] TableShape shape_of(const wire::Relation& relation, const TablePlan& plan, const TargetTable& table);

/// What has happened to columns since `seen` and has not been done to the target's as well; `left_over`: columns of the
/// target that nothing fills any more, and that the mapping lets stay.
struct ShapeChange {
  std::vector<Difference> differences;
  std::vector<std::string> left_over;
};
[[nodiscard]] ShapeChange compare_shape(const TableShape& seen, const wire::Relation& now, const TableMapping& mapping,
                                        const TargetTable& table);

/// The same rows and values, in the target's table as it is now.
[[nodiscard]] TableShape on_target(TableShape seen, const TargetTable& table);

/// Are the source's columns what they were?
[[nodiscard]] bool has_same_columns(const TableShape& seen, const wire::Relation& now);
/// Was every column that the source has got or altered since `seen` got or altered by the target as well?  False where
/// there is none.
[[nodiscard]] bool is_altered_alike(const TableShape& seen, const wire::Relation& now, const TableMapping& mapping,
                                    const TargetTable& table);

}  // namespace walgate
