// source_catalog.hpp - what the source publishes now, in the form in which the stream will describe it.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "postgres/connection.hpp"
#include "wire/relation.hpp"

namespace walgate::stream {

/// Those of `names` that are publications of the database.
[[nodiscard]] std::vector<std::string> existing_publications(postgres::Connection& source,
                                                             const std::vector<std::string>& names);

/// The published tables with their published columns.  Schema walgate is never published.
[[nodiscard]] std::vector<wire::Relation> published_relations(postgres::Connection& source,
                                                              const std::vector<std::string>& publications);

/// Types of published columns that are money or hold it, by OID.
[[nodiscard]] std::set<std::uint32_t> types_with_money(postgres::Connection& source,
                                                       const std::vector<std::string>& publications);

}  // namespace walgate::stream
