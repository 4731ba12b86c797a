// source_types.hpp - what the stream does not say of types that users and extensions made.
//
// The stream names a column's type and what a domain stands on.  It does not tell the element type of such an array,
// the typmod inside of a domain, or the labels of an enum: these come from the source's catalog.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace walgate::mirror {

struct SourceType {
  char kind = 'b';                  ///< pg_type.typtype
  std::uint32_t base_oid = 0;       ///< what a domain stands on, over all its domains; else its own OID
  std::int32_t base_typmod = -1;    ///< of a domain: the typmod it gives its base
  std::uint32_t element_oid = 0;    ///< of an array; else zero
  std::string name;                 ///< without schema, in UTF-8
  std::vector<std::string> labels;  ///< of an enum, in their order
};

/// By OID.  A type that is not in it is one that PostgreSQL brings, or unknown.
using SourceTypes = std::unordered_map<std::uint32_t, SourceType>;

/// Reads all that is needed: oid, kind, base_oid, base_typmod, element_oid, name, labels (text[]).
inline constexpr std::string_view source_types_query = R"(
WITH RECURSIVE base (oid, base_oid, typmod) AS (
  SELECT oid, oid, -1 FROM pg_catalog.pg_type WHERE oid >= 16384
  UNION ALL
  SELECT base.oid, t.typbasetype, CASE WHEN base.typmod = -1 THEN t.typtypmod ELSE base.typmod END
    FROM base JOIN pg_catalog.pg_type t ON t.oid = base.base_oid WHERE t.typtype = 'd')
SELECT t.oid, t.typtype, base.base_oid, base.typmod,
       CASE WHEN t.typcategory = 'A' AND t.typlen = -1 THEN t.typelem ELSE 0 END, t.typname,
       ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
  FROM pg_catalog.pg_type t
  JOIN base ON base.oid = t.oid
  JOIN pg_catalog.pg_type b ON b.oid = base.base_oid AND b.typtype <> 'd'
 WHERE t.typtype IN ('b', 'd', 'e', 'r', 'm'))";

}  // namespace walgate::mirror
