#include "mirror/type_oids.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace walgate::mirror::oid {

namespace {

using Pair = std::pair<std::uint32_t, std::uint32_t>;

/// Sorted by the array type.
constexpr auto arrays = std::to_array<Pair>({
    {143, xml},
    {199, json},
    {271, xid8},
    {629, line},
    {651, cidr},
    {719, circle},
    {775, macaddr8},
    {791, money},
    {1000, boolean},
    {1001, bytea},
    {1002, char_},
    {1003, name},
    {1005, int2},
    {1007, int4},
    {1009, text},
    {1010, tid},
    {1011, xid},
    {1012, cid},
    {1014, bpchar},
    {1015, varchar},
    {1016, int8},
    {1017, point},
    {1018, lseg},
    {1019, path},
    {1020, box},
    {1021, float4},
    {1022, float8},
    {1027, polygon},
    {1028, oid},
    {1040, macaddr},
    {1041, inet},
    {1115, timestamp},
    {1182, date},
    {1183, time},
    {1185, timestamptz},
    {1187, interval},
    {1231, numeric},
    {1270, timetz},
    {1561, bit},
    {1563, varbit},
    {2201, refcursor},
    {2951, uuid},
    {3221, pg_lsn},
    {3643, tsvector},
    {3807, jsonb},
    {3905, int4range},
    {3907, numrange},
    {3909, tsrange},
    {3911, tstzrange},
    {3913, daterange},
    {3927, int8range},
    {4073, jsonpath},
    {6150, int4multirange},
    {6151, nummultirange},
    {6152, tsmultirange},
    {6153, tstzmultirange},
    {6155, datemultirange},
    {6157, int8multirange},
});

constexpr auto multiranges = std::to_array<Pair>({
    {int4multirange, int4range},
    {nummultirange, numrange},
    {tsmultirange, tsrange},
    {tstzmultirange, tstzrange},
    {datemultirange, daterange},
    {int8multirange, int8range},
});

template <std::size_t size>
std::uint32_t find(const std::array<Pair, size>& pairs, std::uint32_t type) noexcept {
  const auto found = std::ranges::lower_bound(pairs, type, {}, &Pair::first);
  return found != pairs.end() && found->first == type ? found->second : 0;
}

static_assert(std::ranges::is_sorted(arrays, {}, &Pair::first) &&
              std::ranges::is_sorted(multiranges, {}, &Pair::first));

}  // namespace

std::uint32_t element_of(std::uint32_t array_type) noexcept {
  return find(arrays, array_type);
}

std::uint32_t range_of(std::uint32_t multirange_type) noexcept {
  return find(multiranges, multirange_type);
}

}  // namespace walgate::mirror::oid
