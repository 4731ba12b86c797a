#include "migrate/draft_catalog.hpp"

#include <fmt/format.h>

namespace walgate::migrate {

DraftCatalog read_draft_catalog(postgres::Connection& target, const compare::TableDescriptions& source) {
  DraftCatalog catalog;
  const auto schemas = target.exec("SELECT nspname FROM pg_catalog.pg_namespace");
  for (int row = 0; row < rows(schemas); ++row) catalog.schemas.insert(text_field(schemas, row, 0));

  std::vector<std::string> names;
  for (const auto& [table, description] : source) {
    for (const auto& column : description.columns) {
      for (const auto& type : {column.type.named, column.type.leaf_name}) {
        if (type.schema != "pg_catalog") names.push_back(type.name);
      }
    }
  }
  if (names.empty()) return catalog;
  const auto result = target.exec(
      fmt::format("SELECT n.nspname, t.typname, x.extname, ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e "
                  "WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) "
                  "FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "
                  "LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid "
                  "AND d.deptype = 'e' LEFT JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid "
                  "WHERE t.typname = ANY (ARRAY[{}]::name[])",
                  quote_literals(names)));
  for (int row = 0; row < rows(result); ++row) {
    const QualifiedName name{text_field(result, row, 0), text_field(result, row, 1)};
    catalog.types[name] = list_field(result, row, 3);
    if (const auto extension = field(result, row, 2)) catalog.extension_types[{*extension, name.name}] = name;
  }
  return catalog;
}

}  // namespace walgate::migrate
