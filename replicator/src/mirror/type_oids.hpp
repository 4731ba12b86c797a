// type_oids.hpp - the OIDs of PostgreSQL's own types, which never change.  Source: catalog/pg_type.dat.
#pragma once

#include <cstdint>

namespace walgate::mirror::oid {

enum : std::uint32_t {
  boolean = 16,
  bytea = 17,
  char_ = 18,
  name = 19,
  int8 = 20,
  int2 = 21,
  int4 = 23,
  text = 25,
  oid = 26,
  tid = 27,
  xid = 28,
  cid = 29,
  json = 114,
  xml = 142,
  point = 600,
  lseg = 601,
  path = 602,
  box = 603,
  polygon = 604,
  line = 628,
  float4 = 700,
  float8 = 701,
  unknown = 705,
  circle = 718,
  macaddr8 = 774,
  money = 790,
  macaddr = 829,
  inet = 869,
  cidr = 650,
  bpchar = 1042,
  varchar = 1043,
  date = 1082,
  time = 1083,
  timestamp = 1114,
  timestamptz = 1184,
  interval = 1186,
  timetz = 1266,
  bit = 1560,
  varbit = 1562,
  numeric = 1700,
  refcursor = 1790,
  uuid = 2950,
  pg_lsn = 3220,
  tsvector = 3614,
  jsonb = 3802,
  int4range = 3904,
  numrange = 3906,
  tsrange = 3908,
  tstzrange = 3910,
  daterange = 3912,
  int8range = 3926,
  jsonpath = 4072,
  int4multirange = 4451,
  nummultirange = 4532,
  tsmultirange = 4533,
  tstzmultirange = 4534,
  datemultirange = 4535,
  int8multirange = 4536,
  xid8 = 5069,
};

/// The element type of a built-in array type; zero for any other type.
[[nodiscard]] std::uint32_t element_of(std::uint32_t array_type) noexcept;
/// The range type of a built-in multirange type; zero for any other type.
[[nodiscard]] std::uint32_t range_of(std::uint32_t multirange_type) noexcept;

}  // namespace walgate::mirror::oid
