// numeric_value.hpp - a numeric as its send function would write it, without calling that.
//
//   bytes = digits:u16, weight:i16, sign:u16, scale:u16, { digit:u16 } ;
//
// Tables hold a numeric as a header of 16 bits, short or with a weight of 16 bits behind it, and its digits to the
// base of 10000.  The layout is private to the server's numeric.c, but it is that of every data folder since 9.1, and
// pg_upgrade relies on it.  NaN and the infinities are a short header alone, whose other bits numeric_send reads like
// those of any short header.
#pragma once

#include "pg_compat.hpp"
#include "record_buffer.hpp"

namespace walgate {

/// Writes length and bytes of a numeric that is neither compressed nor stored elsewhere.
inline void append_numeric(RecordBuffer& out, const varlena* value) {
  constexpr std::size_t unit = sizeof(std::uint16_t);
  const char* from = VARDATA_ANY(value);
  const std::size_t units = VARSIZE_ANY_EXHDR(value) / unit;
  const auto read = [from](std::size_t at) {
    std::uint16_t number = 0;
    std::memcpy(&number, from + at * unit, unit);  // not aligned
    return number;
  };
  const auto require = [units](std::size_t wanted) {
    if (units < wanted) ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("numeric value is too short")));
  };
  require(1);
  const std::uint16_t header = read(0);
  const unsigned kind = header & 0xC000U;
  std::uint16_t weight = 0;
  std::uint16_t sign = 0;
  std::uint16_t scale = 0;
  std::size_t first_digit = 1;
  if ((header & 0x8000U) != 0) {  // short, or none of the numbers
    weight = static_cast<std::uint16_t>((header & 0x003FU) | ((header & 0x0040U) != 0 ? 0xFFC0U : 0U));
    scale = static_cast<std::uint16_t>((header & 0x1F80U) >> 7);
    if (kind == 0xC000U) {
      sign = static_cast<std::uint16_t>(header & 0xF000U);
    } else {
      sign = (header & 0x2000U) != 0 ? 0x4000U : 0U;
    }
  } else {
    require(2);
    weight = read(1);
    sign = static_cast<std::uint16_t>(kind);
    scale = static_cast<std::uint16_t>(header & 0x3FFFU);
    first_digit = 2;
  }
  const std::size_t digits = units - first_digit;
  out.append_u32(static_cast<std::uint32_t>((4 + digits) * unit));
  out.append_u16(static_cast<std::uint16_t>(digits));
  out.append_u16(weight);
  out.append_u16(sign);
  out.append_u16(scale);
  for (std::size_t i = 0; i < digits; ++i) out.append_u16(read(first_digit + i));
}

}  // namespace walgate
