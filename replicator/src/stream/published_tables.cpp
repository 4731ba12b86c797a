#include "stream/published_tables.hpp"

#include <fmt/format.h>

namespace walgate::stream {

std::map<QualifiedName, std::uint32_t> published_tables(postgres::Connection& source,
                                                        const std::vector<std::string>& publications) {
  std::string names;
  for (const auto& name : publications) names += (names.empty() ? "" : ", ") + quote_literal(name);
  const auto result =
      source.exec(fmt::format("SELECT DISTINCT n.nspname, c.relname, c.oid FROM pg_catalog.pg_publication p, "
                              "LATERAL pg_catalog.pg_get_publication_tables(p.pubname::text) t "
                              "JOIN pg_catalog.pg_class c ON c.oid = t.relid "
                              "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                              "WHERE p.pubname IN ({}) AND n.nspname <> 'walgate'",
                              names));
  std::map<QualifiedName, std::uint32_t> tables;
  for (int row = 0; row < postgres::rows(result); ++row) {
    tables.emplace(QualifiedName{postgres::text_field(result, row, 0), postgres::text_field(result, row, 1)},
                   static_cast<std::uint32_t>(postgres::number_field(result, row, 2)));
  }
  return tables;
}

}  // namespace walgate::stream
