// index_state.hpp - indexes of the target that are invalid, or that an interrupted run may have left.
#pragma once

#include <optional>
#include <vector>

#include "catalog/identifier.hpp"
#include "migrate/concurrent_index.hpp"
#include "postgres/connection.hpp"

namespace walgate::migrate {

struct InvalidIndex {
  QualifiedName index;
  QualifiedName table;
  friend bool operator==(const InvalidIndex&, const InvalidIndex&) = default;

  [[nodiscard]] std::string remedy() const { return "DROP INDEX CONCURRENTLY " + index.display(); }
};

/// All of the database that nobody is building, as far as our role can see; those of partitioned tables left out, which
/// may be invalid for long.
[[nodiscard]] std::vector<InvalidIndex> invalid_indexes(postgres::Connection& session);

/// The index of that name on that table, as it is now.
struct FoundIndex {
  InvalidIndex name;
  bool valid = false;
};
[[nodiscard]] std::optional<FoundIndex> find_index(postgres::Connection& session, const ConcurrentIndex& wanted);

}  // namespace walgate::migrate
