// published_rows.hpp - how rows of a published table are read so that they look as the stream would bring them.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catalog/identifier.hpp"
#include "postgres/connection.hpp"
#include "wire/relation.hpp"

namespace walgate::copy {

/// OIDs of the types of arrays whose elements are xml, or a domain of it.
[[nodiscard]] std::set<std::uint32_t> xml_arrays(postgres::Connection& source);

/// Row filters of the publications in SQL: a row goes through when one of them lets it through.  A table without one is
/// not in it.
[[nodiscard]] std::map<QualifiedName, std::string> row_filters(postgres::Connection& source,
                                                               const std::vector<std::string>& publications);

/// The column in a COPY's list, as the stream writes its values.
[[nodiscard]] std::string column_expression(const wire::Column& column, const std::set<std::uint32_t>& xml_arrays);

}  // namespace walgate::copy
