// copy_format.hpp - what stands around the rows of COPY's binary format.
//
// After the header come the rows, each a number of columns and their values; the trailer stands in the place of a row.
// Source: PostgreSQL copyto.c, BeginCopyTo and EndCopyTo; the manual, "File Formats" of COPY.
#pragma once

#include <string_view>

namespace walgate::postgres {

/// Signature, flags, length of an extension that nobody has.
inline constexpr std::string_view copy_header{"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19};
/// -1 for a number of columns.
inline constexpr std::string_view copy_trailer{"\377\377", 2};

}  // namespace walgate::postgres
