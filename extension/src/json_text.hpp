// json_text.hpp - server text as JSON strings, valid in every database encoding.
//
// In a UTF8 database a string is written as it is.  In any other, what is not ASCII is written as \uXXXX, so that
// the object is valid JSON wherever it is read.  SQL_ASCII does not say what its bytes mean: those that are UTF-8
// stay, any other byte is written as the text \xff with its own digits.
#pragma once

#include "pg_compat.hpp"

extern "C" {
#include "lib/stringinfo.h"
}

namespace walgate {

/// Appends `text`, in the database's encoding, as a quoted JSON string.  May allocate in the current context.
void append_json_string(StringInfo out, const char* text);

/// Appends `bytes` as a quoted string of hexadecimal digits.
void append_json_hex(StringInfo out, std::string_view bytes);

}  // namespace walgate
