// numeric_value.hpp - PostgreSQL's binary numeric, and the forms it takes in a record.
//
//   numeric = ndigits:i16, weight:i16, sign:u16, dscale:u16, { digit:i16 }
//
// A digit has the base 10000; the first stands for digit * 10000^weight.  `dscale` is how many decimals are shown, and
// no digit stands behind them.  Source: PostgreSQL utils/adt/numeric.c, numeric_send.
#pragma once

#include <cstdint>
#include <string_view>

#include "mirror/json_buffer.hpp"

namespace walgate::mirror {

class NumericValue {
 public:
  enum class Kind { finite, not_a_number, positive_infinity, negative_infinity };

  /// Throws ProtocolError for bytes that are no numeric.  Points into `bytes`.
  explicit NumericValue(std::string_view bytes);

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// How many decimals PostgreSQL shows.
  [[nodiscard]] int display_scale() const noexcept { return display_scale_; }
  /// How many decimals there are without trailing zeros; not negative.
  [[nodiscard]] int least_scale() const noexcept;

  // Of finite numbers only:

  /// Appends digits, sign and point as PostgreSQL prints them, without quotes.
  void append_plain(JsonBuffer& out) const;
  /// Appends the base64 of number * 10^scale as a big-endian two's complement integer, as short as possible, which is
  /// how Java's BigInteger gives it out.  Throws ConversionError when the number has more decimals than that.
  void append_unscaled(JsonBuffer& out, int scale) const;
  /// The closest double; infinite when there is none.
  [[nodiscard]] double as_double() const;

 private:
  [[nodiscard]] int digit(int index) const noexcept;

  std::string_view digits_;
  int count_ = 0;
  int weight_ = 0;
  int display_scale_ = 0;
  bool negative_ = false;
  Kind kind_ = Kind::finite;
};

/// Appends the base64 of an integer in the form of `append_unscaled`.
void append_unscaled(JsonBuffer& out, std::int64_t value);

}  // namespace walgate::mirror
