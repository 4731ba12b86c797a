// json_text.cpp - escapes for JSON in every database encoding.
#include "json_text.hpp"

extern "C" {
#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
}

namespace walgate {
namespace {

bool is_ascii(const char* text) {
  for (; *text != '\0'; ++text)
    if (IS_HIGHBIT_SET(*text)) return false;
  return true;
}

void append_code_point(StringInfo out, std::uint32_t code) {
  if (code >= 0x10000) {
    code -= 0x10000;
    appendStringInfo(out, "\\u%04x\\u%04x", 0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF));
  } else {
    appendStringInfo(out, "\\u%04x", code);
  }
}

void append_ascii(StringInfo out, char c) {
  if (c == '"' || c == '\\') {
    appendStringInfoCharMacro(out, '\\');
    appendStringInfoCharMacro(out, c);
  } else if (c < ' ') {
    append_code_point(out, static_cast<std::uint32_t>(c));
  } else {
    appendStringInfoCharMacro(out, c);
  }
}

/// The length of the UTF-8 character at `text`, 0 where there is none.
int utf8_length(const unsigned char* text) {
  const int length = pg_utf_mblen(text);
  return strnlen(reinterpret_cast<const char*>(text), static_cast<std::size_t>(length)) ==
                     static_cast<std::size_t>(length) &&
                 pg_utf8_islegal(text, length)
             ? length
             : 0;
}

}  // namespace

void append_json_string(StringInfo out, const char* text) {
  if (GetDatabaseEncoding() == PG_UTF8 || is_ascii(text)) {
    escape_json(out, text);
    return;
  }
  // A message may come outside a transaction, where nothing can be converted.
  const bool convertible = GetDatabaseEncoding() != PG_SQL_ASCII && IsTransactionState();
  if (convertible) text = pg_server_to_any(text, static_cast<int>(std::strlen(text)), PG_UTF8);
  appendStringInfoCharMacro(out, '"');
  while (*text != '\0') {
    const auto* character = reinterpret_cast<const unsigned char*>(text);
    if (!IS_HIGHBIT_SET(*text)) {
      append_ascii(out, *text++);
    } else if (const int length = utf8_length(character); length == 0) {
      appendStringInfo(out, "\\\\x%02x", *character);
      ++text;
    } else {
      if (convertible) {
        append_code_point(out, utf8_to_unicode(character));
      } else {
        appendBinaryStringInfo(out, text, length);
      }
      text += length;
    }
  }
  appendStringInfoCharMacro(out, '"');
}

void append_json_hex(StringInfo out, std::string_view bytes) {
  appendStringInfoCharMacro(out, '"');
  for (const char byte : bytes) appendStringInfo(out, "%02x", static_cast<unsigned char>(byte));
  appendStringInfoCharMacro(out, '"');
}

}  // namespace walgate
