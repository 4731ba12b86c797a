// encodings.hpp - bytes as text: base64 and hexadecimal digits.
#pragma once

#include <string_view>

#include "mirror/json_buffer.hpp"

namespace walgate::mirror {

/// Appends base64 with padding (RFC 4648, section 4), without quotes.
void append_base64(JsonBuffer& out, std::string_view bytes);
/// Appends base64 with '-' and '_' (RFC 4648, section 5) and padding, without quotes.
void append_base64_url_safe(JsonBuffer& out, std::string_view bytes);
/// Appends two small hexadecimal digits for each byte, without quotes.
void append_hex(JsonBuffer& out, std::string_view bytes);

}  // namespace walgate::mirror
