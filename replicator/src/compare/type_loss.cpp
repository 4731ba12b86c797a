#include "compare/type_loss.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace walgate::compare {

namespace {

/// Objects below this OID are the same on every server (access/transam.h, FirstGenbkiObjectId).
constexpr std::uint32_t first_other_type = 10000;

enum Oid : std::uint32_t {
  bool_oid = 16,
  char_oid = 18,
  name_oid = 19,
  int8_oid = 20,
  int2_oid = 21,
  int4_oid = 23,
  text_oid = 25,
  oid_oid = 26,
  json_oid = 114,
  cidr_oid = 650,
  float4_oid = 700,
  float8_oid = 701,
  macaddr8_oid = 774,
  macaddr_oid = 829,
  inet_oid = 869,
  bpchar_oid = 1042,
  varchar_oid = 1043,
  date_oid = 1082,
  time_oid = 1083,
  timestamp_oid = 1114,
  timestamptz_oid = 1184,
  interval_oid = 1186,
  timetz_oid = 1266,
  bit_oid = 1560,
  varbit_oid = 1562,
  numeric_oid = 1700,
  uuid_oid = 2950,
  jsonb_oid = 3802,
};

template <std::size_t N>
constexpr bool is_one_of(std::uint32_t type, const std::array<std::uint32_t, N>& types) {
  return std::ranges::find(types, type) != types.end();
}
constexpr auto integers = std::to_array<std::uint32_t>({int2_oid, int4_oid, int8_oid});
constexpr auto floats = std::to_array<std::uint32_t>({float4_oid, float8_oid});
constexpr auto strings = std::to_array<std::uint32_t>({text_oid, varchar_oid, bpchar_oid, name_oid, char_oid});
constexpr auto times =
    std::to_array<std::uint32_t>({date_oid, time_oid, timestamp_oid, timestamptz_oid, interval_oid, timetz_oid});

constexpr bool is_number(std::uint32_t type) {
  return is_one_of(type, integers) || is_one_of(type, floats) || type == numeric_oid;
}

constexpr int digits_of(std::uint32_t integer) {
  return integer == int2_oid ? 5 : integer == int4_oid ? 10 : 19;
}

/// Digits before and after the point; typmod as utils/adt/numeric.c packs it.
struct NumericSize {
  int whole = 0;
  int scale = 0;
};
std::optional<NumericSize> size_of(const ColumnType& numeric) {
  if (numeric.typmod < 4) return std::nullopt;
  const int packed = numeric.typmod - 4;
  const int precision = (packed >> 16) & 0xffff;
  const int scale = ((packed & 0x7ff) ^ 1024) - 1024;
  return NumericSize{precision - scale, scale};
}

std::string numeric_text(NumericSize size) {
  return fmt::format("numeric({},{})", size.whole + size.scale, size.scale);
}

/// The most characters that a value can have; nullopt: no limit, or none that we know.
std::optional<int> length_of(const ColumnType& type) {
  switch (type.leaf) {
    case varchar_oid:
    case bpchar_oid:
      return type.typmod < 4 ? std::nullopt : std::optional{type.typmod - 4};
    case name_oid:
      return 63;
    case char_oid:
      return 1;
    case bool_oid:
      return 5;
    case int2_oid:
      return 6;
    case int4_oid:
      return 11;
    case int8_oid:
      return 20;
    case oid_oid:
      return 10;
    case uuid_oid:
      return 36;
    default:
      break;
  }
  if (type.leaf_kind != 'e') return std::nullopt;
  std::size_t longest = 0;
  for (const auto& label : type.labels) longest = std::max(longest, label.size());
  return static_cast<int>(longest);
}

std::string both(const ColumnType& source, const ColumnType& target, std::string_view what) {
  return fmt::format("{} on the source, {} on the target: {}", source.text, target.text, what);
}

/// What does not fit is refused, and stops the stream.
TypeLoss narrower(const ColumnType& source, const ColumnType& target, std::string wider, bool alters,
                  std::string_view what = "the target does not hold every value") {
  if (target.array && !wider.empty() && !wider.ends_with("[]")) wider += "[]";
  // A domain is there for a reason.
  const bool is_domain = target.text != target.base_text;
  return {.text = both(source, target, what),
          .wider = is_domain ? std::string{} : std::move(wider),
          .alters = alters && !is_domain};
}

/// What does not fit is rounded or cut in silence.
TypeLoss rounds(const ColumnType& source, const ColumnType& target, std::string wider, bool alters) {
  auto loss = narrower(source, target, std::move(wider), alters, "the target rounds");
  loss.merges = true;
  return loss;
}

/// Every value has its place.
TypeLoss means_another_thing(const ColumnType& source, const ColumnType& target, std::string_view what, bool merges) {
  return {.text = both(source, target, what), .narrower = false, .merges = merges};
}

std::optional<TypeLoss> loss_of_numbers(const ColumnType& source, const ColumnType& target) {
  const bool whole_source = is_one_of(source.leaf, integers);
  if (target.leaf == numeric_oid) {
    if (is_one_of(source.leaf, floats)) return rounds(source, target, source.base_text, true);
    const auto held = size_of(target);
    if (!held) return std::nullopt;
    if (source.leaf == numeric_oid && !size_of(source)) return rounds(source, target, source.base_text, true);
    const auto wanted = whole_source ? NumericSize{digits_of(source.leaf), 0} : *size_of(source);
    if (held->whole >= wanted.whole && held->scale >= wanted.scale) return std::nullopt;
    auto wider = numeric_text({std::max(held->whole, wanted.whole), std::max(held->scale, wanted.scale)});
    return held->scale < wanted.scale ? rounds(source, target, std::move(wider), true)
                                      : narrower(source, target, std::move(wider), true);
  }
  if (whole_source && is_one_of(target.leaf, integers)) {
    const bool fits = digits_of(target.leaf) >= digits_of(source.leaf);
    return fits ? std::nullopt : std::optional{narrower(source, target, source.base_text, true)};
  }
  if (source.leaf == target.leaf || (source.leaf == float4_oid && target.leaf == float8_oid)) return std::nullopt;
  // A mantissa of 24 or 53 bits.
  const bool fits = source.leaf == int2_oid || (source.leaf == int4_oid && target.leaf == float8_oid);
  return fits ? std::nullopt : std::optional{rounds(source, target, source.base_text, true)};
}

std::optional<TypeLoss> loss_to_string(const ColumnType& source, const ColumnType& target) {
  const auto held = length_of(target);
  if (!held) return std::nullopt;
  const auto wanted = length_of(source);
  if (wanted && *wanted <= *held) return std::nullopt;
  const bool is_string = is_one_of(source.leaf, strings);
  return narrower(source, target, is_string ? source.base_text : "text", true);
}

std::optional<TypeLoss> loss_of_times(const ColumnType& source, const ColumnType& target) {
  if (source.leaf == target.leaf) {
    if (target.typmod == -1 || target.typmod == source.typmod) return std::nullopt;
    constexpr int finest = 6;
    const bool fits = source.leaf != interval_oid && (source.typmod == -1 ? finest : source.typmod) <= target.typmod;
    return fits ? std::nullopt : std::optional{rounds(source, target, source.base_text, true)};
  }
  const auto is = [&](std::uint32_t from, std::uint32_t to) { return source.leaf == from && target.leaf == to; };
  if (is(date_oid, timestamptz_oid) || is(timestamp_oid, timestamptz_oid) || is(timestamptz_oid, timestamp_oid) ||
      is(time_oid, timetz_oid)) {
    return means_another_thing(source, target, "times are taken for those of UTC", false);
  }
  if (is(timestamp_oid, date_oid) || is(timestamptz_oid, date_oid)) {
    return rounds(source, target, source.base_text, true);
  }
  if (is(timestamp_oid, time_oid) || is(timestamptz_oid, time_oid) || is(timestamptz_oid, timetz_oid) ||
      is(timetz_oid, time_oid) || is(interval_oid, time_oid)) {
    return rounds(source, target, source.base_text, is(timetz_oid, time_oid));
  }
  return std::nullopt;  // it has its place, or none at all
}

std::optional<TypeLoss> loss_of_bits(const ColumnType& source, const ColumnType& target) {
  if (target.typmod == -1 || (source.leaf == target.leaf && source.typmod == target.typmod)) return std::nullopt;
  const bool fits = target.leaf == varbit_oid && source.typmod != -1 && source.typmod <= target.typmod;
  return fits ? std::nullopt
              : std::optional{narrower(source, target, source.base_text,
                                       source.leaf == varbit_oid || source.leaf == target.leaf)};
}

}  // namespace

std::optional<TypeLoss> type_loss(const ColumnType& source, const ColumnType& target) {
  if (source.array != target.array || target.leaf >= first_other_type) return std::nullopt;
  if (is_number(source.leaf) && is_number(target.leaf)) return loss_of_numbers(source, target);
  if (is_one_of(target.leaf, strings)) return loss_to_string(source, target);
  if (is_one_of(source.leaf, times) && is_one_of(target.leaf, times)) return loss_of_times(source, target);
  const auto is_bits = [](std::uint32_t type) { return type == bit_oid || type == varbit_oid; };
  if (is_bits(source.leaf) && is_bits(target.leaf)) return loss_of_bits(source, target);
  if (source.leaf == inet_oid && target.leaf == cidr_oid) return rounds(source, target, source.base_text, true);
  if (source.leaf == macaddr8_oid && target.leaf == macaddr_oid) {
    return narrower(source, target, source.base_text, true);
  }
  if (source.leaf == json_oid && target.leaf == jsonb_oid) {
    return means_another_thing(source, target, "the order of keys, keys that are given twice and white space are lost",
                               true);
  }
  return std::nullopt;
}

bool keeps_apart(const ColumnType& source, const ColumnType& target) {
  const auto loss = type_loss(source, target);
  if (source.array != target.array || (loss && loss->merges)) return false;
  if (source.leaf >= first_other_type || target.leaf >= first_other_type) return source.leaf_name == target.leaf_name;
  const auto both_of = [&](const auto& types) {
    return is_one_of(source.leaf, types) && is_one_of(target.leaf, types);
  };
  constexpr auto plain_strings = std::to_array<std::uint32_t>({text_oid, varchar_oid});
  constexpr auto instants = std::to_array<std::uint32_t>({timestamp_oid, timestamptz_oid});
  return source.leaf == target.leaf || both_of(plain_strings) || both_of(instants) ||
         (is_one_of(source.leaf, integers) && (is_one_of(target.leaf, integers) || target.leaf == numeric_oid));
}

}  // namespace walgate::compare
