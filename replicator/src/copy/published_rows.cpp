#include "copy/published_rows.hpp"

#include <fmt/format.h>

namespace walgate::copy {

namespace {

using postgres::number_field;
using postgres::rows;
using postgres::text_field;

constexpr std::uint32_t xml = 142;  // pg_type.dat

}  // namespace

std::set<std::uint32_t> xml_arrays(postgres::Connection& source) {
  const auto result = source.exec(
      "WITH RECURSIVE is_xml(oid) AS (SELECT 'pg_catalog.xml'::regtype::oid UNION ALL "
      "SELECT t.oid FROM pg_catalog.pg_type t JOIN is_xml ON t.typbasetype = is_xml.oid WHERE t.typtype = 'd') "
      "SELECT t.oid FROM pg_catalog.pg_type t JOIN is_xml ON t.typelem = is_xml.oid "
      "WHERE t.typsend = 'pg_catalog.array_send'::regproc");
  std::set<std::uint32_t> types;
  for (int row = 0; row < rows(result); ++row) types.insert(static_cast<std::uint32_t>(number_field(result, row, 0)));
  return types;
}

std::map<QualifiedName, std::string> row_filters(postgres::Connection& source,
                                                 const std::vector<std::string>& publications) {
  const auto result = source.exec(
      fmt::format("SELECT schemaname, tablename, pg_catalog.string_agg(DISTINCT '(' || rowfilter || ')', ' OR ') "
                  "FROM pg_catalog.pg_publication_tables WHERE pubname IN ({}) GROUP BY 1, 2 "
                  "HAVING pg_catalog.count(*) = pg_catalog.count(rowfilter)",
                  quote_literals(publications)));
  std::map<QualifiedName, std::string> filters;
  for (int row = 0; row < rows(result); ++row) {
    filters[{text_field(result, row, 0), text_field(result, row, 1)}] = text_field(result, row, 2);
  }
  return filters;
}

// By the type's output function, whatever casts to text there are; but that of xml leaves out what a declaration says
// of the encoding.
std::string column_expression(const wire::Column& column, const std::set<std::uint32_t>& xml_arrays) {
  const auto name = quote_identifier(column.name);
  if (column.format != wire::ValueFormat::text) return name;
  if (column.base_oid == xml) return name + "::text";
  return fmt::format("CASE WHEN {0} IS DISTINCT FROM NULL THEN pg_catalog.format('%s', {0}{1}) END", name,
                     xml_arrays.contains(column.base_oid) ? "::text[]" : "");
}

}  // namespace walgate::copy
