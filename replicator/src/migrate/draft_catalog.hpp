// draft_catalog.hpp - what a draft has to know of the target beside its tables: types that are not built in, schemas.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compare/table_description.hpp"
#include "postgres/connection.hpp"

namespace walgate::migrate {

struct DraftCatalog {
  /// Types of those names, with their labels where they are enums.
  std::map<QualifiedName, std::vector<std::string>> types;
  /// The same that extensions have made, by the extension and their names without a schema.
  std::map<std::pair<std::string, std::string>, QualifiedName> extension_types;
  std::set<std::string> schemas;
};

/// Asks for the types that the columns of these tables name, and for all schemas.
[[nodiscard]] DraftCatalog read_draft_catalog(postgres::Connection& target, const compare::TableDescriptions& source);

}  // namespace walgate::migrate
