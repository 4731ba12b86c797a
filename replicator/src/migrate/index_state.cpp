#include "migrate/index_state.hpp"

namespace walgate::migrate {

namespace {

constexpr std::string_view indexes =
    "SELECT index_schema.nspname, index_class.relname, table_schema.nspname, table_class.relname, indisvalid "
    "FROM pg_catalog.pg_index "
    "JOIN pg_catalog.pg_class index_class ON index_class.oid = indexrelid "
    "JOIN pg_catalog.pg_namespace index_schema ON index_schema.oid = index_class.relnamespace "
    "JOIN pg_catalog.pg_class table_class ON table_class.oid = indrelid "
    "JOIN pg_catalog.pg_namespace table_schema ON table_schema.oid = table_class.relnamespace ";

InvalidIndex read_index(const postgres::Result& result, int row) {
  return {{text_field(result, row, 0), text_field(result, row, 1)},
          {text_field(result, row, 2), text_field(result, row, 3)}};
}

/// What the catalog holds for a name as SQL writes it; words have come in small letters.
std::string catalog_name(const std::string& name) {
  if (!name.starts_with('"')) return name;
  std::string plain;
  for (std::size_t i = 1; i + 1 < name.size(); ++i) {
    plain += name[i];
    if (name[i] == '"') ++i;  // doubled
  }
  return plain;
}

}  // namespace

std::vector<InvalidIndex> invalid_indexes(postgres::Connection& session) {
  std::vector<InvalidIndex> found;
  const auto result = session.exec(
      std::string{indexes} +
      "WHERE NOT indisvalid AND index_class.relkind = 'i' AND NOT EXISTS "
      "(SELECT FROM pg_catalog.pg_stat_progress_create_index WHERE index_relid = indexrelid) ORDER BY 1, 2");
  for (int row = 0; row < rows(result); ++row) found.push_back(read_index(result, row));
  return found;
}

std::optional<FoundIndex> find_index(postgres::Connection& session, const ConcurrentIndex& wanted) {
  const auto result = session.exec(
      std::string{indexes} + "WHERE indrelid = pg_catalog.to_regclass($1) AND index_class.relname = $2::name",
      {wanted.table, catalog_name(wanted.index)});
  if (rows(result) == 0) return std::nullopt;
  return FoundIndex{read_index(result, 0), bool_field(result, 0, 4)};
}

}  // namespace walgate::migrate
