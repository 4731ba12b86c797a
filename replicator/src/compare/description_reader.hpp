// description_reader.hpp - reads table_description.hpp from a catalog, of the source as of the target, by one query.
#pragma once

#include <string>
#include <vector>

#include "compare/table_description.hpp"
#include "postgres/connection.hpp"

namespace walgate::compare {

/// Those of `wanted` that exist.  The session's search path has to be empty or pg_catalog; a replication connection
/// will do, and so does a role without any right on the tables.  `publications`: of the source, to know what they let
/// through.  Waits two seconds at most for who has locked one of the tables.  Throws Error.
[[nodiscard]] TableDescriptions read_descriptions(postgres::Connection& session,
                                                  const std::vector<QualifiedName>& wanted,
                                                  const std::vector<std::string>& publications = {});

}  // namespace walgate::compare
