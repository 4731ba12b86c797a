// type_loss.hpp - what a column's type on the target does not hold of the source's values.
//
// Only for types that take the values at all; whether they do is asked when the table's plan is made.  Built-in types
// are known by their OIDs (pg_type.dat), their lengths by their typmods.
#pragma once

#include <optional>
#include <string>

#include "compare/table_description.hpp"

namespace walgate::compare {

struct TypeLoss {
  std::string text;
  bool narrower = true;  ///< false: every value has its place, but means another thing there
  bool merges = false;   ///< values that differ on the source may become equal
  /// What would hold the values of both; empty where nobody can tell.
  std::string wider = {};
  bool alters = false;  ///< ALTER COLUMN TYPE to `wider` needs no USING
};

/// nullopt: everything arrives as it is, or the types are none that we know.
[[nodiscard]] std::optional<TypeLoss> type_loss(const ColumnType& source, const ColumnType& target);

/// Do values that differ on the source differ on the target, too?  False also where nobody can tell.
[[nodiscard]] bool keeps_apart(const ColumnType& source, const ColumnType& target);

}  // namespace walgate::compare
