// published_tables.hpp - the tables of publications by name and OID, cheap enough to ask for now and then.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "catalog/identifier.hpp"
#include "postgres/connection.hpp"

namespace walgate::stream {

/// What the publications hold now, without schema walgate.  A publication that does not exist holds nothing.
[[nodiscard]] std::map<QualifiedName, std::uint32_t> published_tables(postgres::Connection& source,
                                                                      const std::vector<std::string>& publications);

}  // namespace walgate::stream
