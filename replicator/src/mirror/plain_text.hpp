// plain_text.hpp - binary values of less common types as the text that PostgreSQL prints for them.
//
// Debezium reads every value as text, so for these types the text is what its readers get.  Each function appends plain
// text, not JSON: the caller escapes it.  Each throws ProtocolError for bytes that do not fit the type.
#pragma once

#include <cstdint>
#include <string_view>

#include "mirror/json_buffer.hpp"

namespace walgate::mirror {

/// inet and cidr: 10.0.0.1/8, 2001:db8::1.
void append_network(JsonBuffer& out, std::string_view bytes);
/// macaddr and macaddr8: 08:00:2b:01:02:03.
void append_mac_address(JsonBuffer& out, std::string_view bytes);
/// float8 with extra_float_digits at its default: the shortest digits that give the number back.
void append_plain_double(JsonBuffer& out, double value);
/// tsvector: 'cat':1A,3 'fat':2B; lexemes stay in the source's encoding.
void append_tsvector(JsonBuffer& out, std::string_view bytes);
/// pg_lsn: 16/B374D848.
void append_plain_lsn(JsonBuffer& out, std::string_view bytes);

/// The geometric types but point, by their built-in OIDs: box, circle, line, lseg, path, polygon.
void append_geometry(JsonBuffer& out, std::uint32_t type, std::string_view bytes);
/// A built-in range or multirange: [1,5), {[1,2),[5,7)}; timestamps with time zone are in UTC.
void append_range(JsonBuffer& out, std::uint32_t range_type, std::string_view bytes);
void append_multirange(JsonBuffer& out, std::uint32_t range_type, std::string_view bytes);

}  // namespace walgate::mirror
