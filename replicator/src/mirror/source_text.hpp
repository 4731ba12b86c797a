// source_text.hpp - text of the source, in whatever encoding, as JSON strings, which are UTF-8.
#pragma once

#include <string_view>

#include "mirror/json_buffer.hpp"
#include "wire/encoding.hpp"

namespace walgate::mirror {

class SourceText {
 public:
  /// By PostgreSQL's name of the source's encoding.  Throws ProtocolError for one that cannot be converted here.
  explicit SourceText(std::string_view encoding);

  /// Appends the text as a quoted JSON string.  Throws ConversionError for text that has no form in UTF-8; in a
  /// SQL_ASCII database that is any text that is not UTF-8 already.
  void append(JsonBuffer& out, std::string_view text) const {
    out.raw('"');
    append_escaped(out, text);
    out.raw('"');
  }
  /// The inside of the quoted string.
  void append_escaped(JsonBuffer& out, std::string_view text) const {
    if (is_utf8_) return out.escaped(text);  // the server lets no other bytes in
    append_converted(out, text);
  }

 private:
  void append_converted(JsonBuffer& out, std::string_view text) const;

  wire::Encoding encoding_;
  bool is_utf8_;
  bool is_unknown_;  ///< SQL_ASCII: the server stores whatever bytes it gets
};

}  // namespace walgate::mirror
