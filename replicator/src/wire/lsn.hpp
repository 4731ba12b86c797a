// lsn.hpp - a position in the write-ahead log.
//
// The server prints a position as two hexadecimal halves, "16/B374D848".  We hold the number
// and convert only where text enters or leaves.  Source: PostgreSQL utils/adt/pg_lsn.c.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace walgate {

/// A byte offset into the WAL.  Zero means "no position", as InvalidXLogRecPtr does.
struct Lsn {
  std::uint64_t value = 0;

  /// Reads "hi/lo", one to eight hexadecimal digits on each side; nullopt for any other text.
  [[nodiscard]] static std::optional<Lsn> parse(std::string_view text) noexcept;
  /// "hi/lo" as the server prints it: capital digits, no leading zeros.
  [[nodiscard]] std::string text() const;

  [[nodiscard]] constexpr bool is_set() const noexcept { return value != 0; }
  friend constexpr auto operator<=>(const Lsn&, const Lsn&) = default;
};

}  // namespace walgate
