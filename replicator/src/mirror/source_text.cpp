#include "mirror/source_text.hpp"

#include <algorithm>

#include "mirror/conversion_error.hpp"
#include "wire/reader.hpp"

namespace walgate::mirror {

namespace {

/// Unicode's table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_valid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(text[at + i]); };
    const auto first = byte(0);
    std::size_t more = 0;
    unsigned low = 0x80;
    unsigned high = 0xBF;
    if (first < 0x80) {
      ++at;
      continue;
    }
    if (first >= 0xC2 && first <= 0xDF) {
      more = 1;
    } else if (first >= 0xE0 && first <= 0xEF) {
      more = 2;
      if (first == 0xE0) low = 0xA0;
      if (first == 0xED) high = 0x9F;
    } else if (first >= 0xF0 && first <= 0xF4) {
      more = 3;
      if (first == 0xF0) low = 0x90;
      if (first == 0xF4) high = 0x8F;
    } else {
      return false;
    }
    if (text.size() - at <= more || byte(1) < low || byte(1) > high) return false;
    for (std::size_t i = 2; i <= more; ++i) {
      if (byte(i) < 0x80 || byte(i) > 0xBF) return false;
    }
    at += more + 1;
  }
  return true;
}

}  // namespace

SourceText::SourceText(std::string_view encoding)
    : encoding_{encoding}, is_utf8_{encoding == "UTF8"}, is_unknown_{encoding == "SQL_ASCII"} {}

void SourceText::append_converted(JsonBuffer& out, std::string_view text) const {
  if (is_unknown_) {
    if (!is_valid_utf8(text)) {
      throw ConversionError{"the source's encoding is SQL_ASCII, and the text is not UTF-8, which JSON needs"};
    }
    return out.escaped(text);
  }
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return out.escaped(text);
  try {
    out.escaped(encoding_.to_utf8(text));
  } catch (const wire::ProtocolError&) {
    throw ConversionError{"the text cannot be converted from the source's encoding to UTF-8"};
  }
}

}  // namespace walgate::mirror
