// encoding.hpp - names between the source's encoding and ours.
//
// Values travel in the source's encoding and are converted by the target's server.  Names meet the configuration, which
// is UTF-8, so inside the service every name is UTF-8.  The names of encodings are PostgreSQL's (mb/pg_wchar.h).
#pragma once

#include <string>
#include <string_view>

namespace walgate::wire {

class Encoding {
 public:
  Encoding() = default;
  /// Throws ProtocolError for an encoding that cannot be converted here.
  explicit Encoding(std::string_view postgres_name);

  /// Throws ProtocolError when the text has no form on the other side.
  [[nodiscard]] std::string to_utf8(std::string_view text) const;
  [[nodiscard]] std::string from_utf8(std::string_view text) const;

 private:
  std::string name_;  ///< as iconv knows it; empty: nothing is converted (UTF8, SQL_ASCII)
};

}  // namespace walgate::wire
