// row_query.hpp - the COPY that reads rows of the source as the stream would bring them.
//
// A tuple of COPY's binary format is a row image (extension/PROTOCOL.md) where each value has the form that the stream
// gives it.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "wire/relation.hpp"

namespace walgate::copy {

/// "COPY (SELECT … FROM … WHERE …) TO STDOUT (FORMAT binary)"; `filter` is that of the publications, or empty.
[[nodiscard]] std::string row_query(const std::string& columns, const std::string& from,
                                    std::vector<std::string> conditions, const std::string& filter);

/// All rows of a published table, with all of its published columns.  `xml_arrays`: OIDs of types, as SnapshotHolder
/// tells them.
[[nodiscard]] std::string row_query(const wire::Relation& relation, const std::set<std::uint32_t>& xml_arrays,
                                    const std::string& filter);

/// What a query of all rows reads from.
[[nodiscard]] std::string all_of(const wire::Relation& relation);

}  // namespace walgate::copy
