// embedded.hpp - the migrations of walgate's own tables, which travel inside the binary.
//
// The build makes the list from the folder migrations/ (replicator/embed_migrations.cmake).
#pragma once

#include <span>
#include <string_view>

namespace walgate::migrate {

struct EmbeddedMigration {
  std::string_view name;  ///< "0001_walgate"
  std::string_view sql;
};

/// In the order of their numbers.
[[nodiscard]] std::span<const EmbeddedMigration> embedded_migrations() noexcept;

}  // namespace walgate::migrate
