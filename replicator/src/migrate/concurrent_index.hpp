// concurrent_index.hpp - CREATE INDEX CONCURRENTLY, whose interrupted or failed run leaves an invalid index behind.
//
// Such an index costs every write and serves no query, and a second run with IF NOT EXISTS would take it for the one
// that is wanted.
#pragma once

#include <optional>
#include <string>

#include "migrate/sql_script.hpp"

namespace walgate::migrate {

/// What CREATE INDEX CONCURRENTLY makes; the names as the statement writes them.
struct ConcurrentIndex {
  std::string index;
  std::string table;  ///< with its schema where the statement has one
  bool if_not_exists = false;
};

/// The index that the statement builds concurrently; nullopt for other statements, and where it has no name.
[[nodiscard]] std::optional<ConcurrentIndex> concurrent_index_of(const Statement& statement);
/// Leaves CREATE INDEX CONCURRENTLY the choice of the name to the server?
[[nodiscard]] bool builds_unnamed_index(const Statement& statement);

}  // namespace walgate::migrate
