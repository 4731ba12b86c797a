#include "mirror/plain_text.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <string>

#include "mirror/numeric_value.hpp"
#include "mirror/time_value.hpp"
#include "mirror/type_oids.hpp"
#include "wire/lsn.hpp"
#include "wire/reader.hpp"

namespace walgate::mirror {

namespace {

using wire::ProtocolError;
using wire::Reader;

double take_double(Reader& reader) {
  return std::bit_cast<double>(reader.u64());
}

void append_ipv4(JsonBuffer& out, std::string_view address) {
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) out.raw('.');
    out.integer(static_cast<unsigned char>(address[i]));
  }
}

/// Source: PostgreSQL utils/adt/inet_net_ntop.c, inet_net_ntop_ipv6.
void append_ipv6(JsonBuffer& out, std::string_view address) {
  std::array<std::uint32_t, 8> words{};
  for (std::size_t i = 0; i < 8; ++i) words[i] = wire::load_big_endian<std::uint16_t>(address.data() + 2 * i);
  // The first of the longest runs of zeros becomes "::".
  std::size_t start = 8;
  std::size_t length = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t run = 0;
    while (i + run < 8 && words[i + run] == 0) ++run;
    if (run >= 2 && run > length) {
      start = i;
      length = run;
    }
  }
  for (std::size_t i = 0; i < 8; ++i) {
    if (length > 0 && i >= start && i < start + length) {
      if (i == start) out.raw(':');
      continue;
    }
    if (i > 0) out.raw(':');
    const auto is_ipv4 =
        i == 6 && start == 0 && (length == 6 || (length == 7 && words[7] != 1) || (length == 5 && words[5] == 0xffff));
    if (is_ipv4) {
      append_ipv4(out, address.substr(12));
      return;
    }
    out.raw(fmt::format("{:x}", words[i]));
  }
  if (length > 0 && start + length == 8) out.raw(':');
}

void append_point(JsonBuffer& out, Reader& reader) {
  out.raw('(');
  append_plain_double(out, take_double(reader));
  out.raw(',');
  append_plain_double(out, take_double(reader));
  out.raw(')');
}

void append_points(JsonBuffer& out, Reader& reader, std::int32_t count) {
  for (std::int32_t i = 0; i < count; ++i) {
    if (i > 0) out.raw(',');
    append_point(out, reader);
  }
}

void append_bound(JsonBuffer& out, std::uint32_t range_type, std::string_view bytes) {
  Reader reader{bytes};
  JsonBuffer text;
  switch (range_type) {
    case oid::int4range:
      text.integer(reader.i32());
      break;
    case oid::int8range:
      text.integer(reader.i64());
      break;
    case oid::daterange:
      append_plain_date(text, reader.i32());
      break;
    case oid::tsrange:
      append_plain_timestamp(text, reader.i64(), "");
      break;
    case oid::tstzrange:
      append_plain_timestamp(text, reader.i64(), "+00");
      break;
    case oid::numrange: {
      const NumericValue value{reader.bytes(bytes.size())};
      switch (value.kind()) {
        case NumericValue::Kind::finite:
          value.append_plain(text);
          break;
        case NumericValue::Kind::not_a_number:
          text.raw("NaN");
          break;
        case NumericValue::Kind::positive_infinity:
          text.raw("Infinity");
          break;
        case NumericValue::Kind::negative_infinity:
          text.raw("-Infinity");
          break;
      }
      break;
    }
    default:
      throw ProtocolError{"range of an unknown type"};
  }
  reader.expect_end();
  // Of these types only a space asks for quotes.
  const auto quoted = text.view().find(' ') != std::string_view::npos;
  if (quoted) out.raw('"');
  out.raw(text.view());
  if (quoted) out.raw('"');
}

}  // namespace

void append_network(JsonBuffer& out, std::string_view bytes) {
  Reader reader{bytes};
  const auto family = reader.u8();
  const auto bits = reader.u8();
  const auto is_cidr = reader.u8() != 0;
  const auto size = reader.u8();
  const auto address = reader.bytes(size);
  reader.expect_end();
  const auto is_ipv4 = family == 2 && size == 4;
  if (!is_ipv4 && !(family == 3 && size == 16)) throw ProtocolError{"network address of an unknown family"};
  if (is_ipv4) {
    append_ipv4(out, address);
  } else {
    append_ipv6(out, address);
  }
  if (is_cidr || bits != size * 8) {
    out.raw('/');
    out.integer(bits);
  }
}

void append_mac_address(JsonBuffer& out, std::string_view bytes) {
  if (bytes.size() != 6 && bytes.size() != 8) throw ProtocolError{"hardware address of an odd length"};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0) out.raw(':');
    out.raw(fmt::format("{:02x}", static_cast<unsigned char>(bytes[i])));
  }
}

/// Source: PostgreSQL common/d2s.c: as %g would choose between the notations, with 15 digits before the point.
void append_plain_double(JsonBuffer& out, double value) {
  if (std::isnan(value)) return out.raw("NaN");
  if (std::isinf(value)) return out.raw(value > 0 ? "Infinity" : "-Infinity");
  char text[48];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const std::string_view scientific{text, static_cast<std::size_t>(end - text)};
  const auto mark = scientific.find('e');
  int exponent = 0;
  const auto* const digits = scientific.data() + mark + 1 + (scientific[mark + 1] == '+' ? 1 : 0);
  std::from_chars(digits, end, exponent);
  if (value != 0 && (exponent < -4 || exponent >= 15)) return out.raw(scientific);
  const auto fixed = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr;
  out.raw({text, static_cast<std::size_t>(fixed - text)});
}

void append_tsvector(JsonBuffer& out, std::string_view bytes) {
  Reader reader{bytes};
  const auto count = reader.i32();
  for (std::int32_t i = 0; i < count; ++i) {
    if (i > 0) out.raw(' ');
    const auto end = reader.rest().find('\0');
    if (end == std::string_view::npos) throw ProtocolError{"lexeme has no end"};
    out.raw('\'');
    for (const auto c : reader.bytes(end)) {
      if (c == '\'' || c == '\\') out.raw(c);
      out.raw(c);
    }
    out.raw('\'');
    reader.bytes(1);
    const auto positions = reader.u16();
    for (std::uint16_t k = 0; k < positions; ++k) {
      const auto position = reader.u16();
      out.raw(k == 0 ? ':' : ',');
      out.integer(position & 0x3FFF);
      if (const auto weight = position >> 14; weight > 0) out.raw("DCBA"[weight]);
    }
  }
  reader.expect_end();
}

void append_plain_lsn(JsonBuffer& out, std::string_view bytes) {
  Reader reader{bytes};
  out.raw(Lsn{reader.u64()}.text());
  reader.expect_end();
}

void append_geometry(JsonBuffer& out, std::uint32_t type, std::string_view bytes) {
  Reader reader{bytes};
  switch (type) {
    case oid::lseg:
      out.raw('[');
      append_points(out, reader, 2);
      out.raw(']');
      break;
    case oid::box:
      append_points(out, reader, 2);
      break;
    case oid::path: {
      const auto closed = reader.u8() != 0;
      out.raw(closed ? '(' : '[');
      append_points(out, reader, reader.i32());
      out.raw(closed ? ')' : ']');
      break;
    }
    case oid::polygon:
      out.raw('(');
      append_points(out, reader, reader.i32());
      out.raw(')');
      break;
    case oid::line:
      for (const auto before : {'{', ',', ','}) {
        out.raw(before);
        append_plain_double(out, take_double(reader));
      }
      out.raw('}');
      break;
    case oid::circle:
      out.raw('<');
      append_point(out, reader);
      out.raw(',');
      append_plain_double(out, take_double(reader));
      out.raw('>');
      break;
    default:
      throw ProtocolError{"geometric value of an unknown type"};
  }
  reader.expect_end();
}

void append_range(JsonBuffer& out, std::uint32_t range_type, std::string_view bytes) {
  enum : unsigned {
    empty = 0x01,
    lower_inclusive = 0x02,
    upper_inclusive = 0x04,
    lower_infinite = 0x08,
    upper_infinite = 0x10
  };
  Reader reader{bytes};
  const unsigned flags = reader.u8();
  const auto bound = [&] { append_bound(out, range_type, reader.bytes(reader.u32())); };
  if ((flags & empty) != 0) {
    out.raw("empty");
  } else {
    out.raw((flags & lower_inclusive) != 0 ? '[' : '(');
    if ((flags & lower_infinite) == 0) bound();
    out.raw(',');
    if ((flags & upper_infinite) == 0) bound();
    out.raw((flags & upper_inclusive) != 0 ? ']' : ')');
  }
  reader.expect_end();
}

void append_multirange(JsonBuffer& out, std::uint32_t range_type, std::string_view bytes) {
  Reader reader{bytes};
  out.raw('{');
  const auto count = reader.u32();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i > 0) out.raw(',');
    append_range(out, range_type, reader.bytes(reader.u32()));
  }
  out.raw('}');
  reader.expect_end();
}

}  // namespace walgate::mirror
