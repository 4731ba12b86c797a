// column_codec.cpp - the table that picks the form of a column's values by its type.
//
// Forms and schemas are those of Debezium's PostgreSQL connector 3.6; tests/kafka/test_debezium.py holds them against
// what it wrote, and lists where we differ on purpose.

#include "mirror/column_codec.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <utility>

#include "mirror/encodings.hpp"
#include "mirror/plain_text.hpp"
#include "mirror/type_oids.hpp"
#include "mirror/value_forms.hpp"

namespace walgate::mirror {

namespace {

using namespace form;
using Append = ColumnCodec::Append;

std::string quoted(std::string_view utf8) {
  JsonBuffer out;
  out.string(utf8);
  return std::string{out.view()};
}

std::string base64_of(std::string_view bytes) {
  JsonBuffer out;
  append_base64(out, bytes);
  return quoted(out.view());
}

/// Java's UUID.nameUUIDFromBytes: the MD5 of the bytes as a UUID of version 3.
std::string uuid_of(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_md5(), nullptr) != 1 || size != 16) {
    throw std::runtime_error{"MD5 is not available"};
  }
  digest[6] = static_cast<unsigned char>((digest[6] & 0x0Fu) | 0x30u);
  digest[8] = static_cast<unsigned char>((digest[8] & 0x3Fu) | 0x80u);
  JsonBuffer out;
  append_uuid(out, {}, {reinterpret_cast<const char*>(digest.data()), 16});
  return std::string{out.view()};
}

FieldSchema plain(std::string_view type) {
  return {fmt::format(R"("type":"{}")", type), {}};
}
FieldSchema named(std::string_view type, std::string_view name) {
  return {fmt::format(R"("type":"{}")", type), fmt::format(R"(,"name":"{}","version":1)", name)};
}

constexpr int numeric_header = 4;  // VARHDRSZ: what a typmod of numeric counts on top

class Picker {
 public:
  Picker(const CodecOptions& options, const SourceTypes& types, const SourceText& text)
      : options_{options}, modes_{options.modes}, types_{types}, text_{text} {}

  std::optional<ColumnCodec> pick(const wire::Column& column) const {
    if (column.format == wire::ValueFormat::text) {
      return codec(append_text, column.base_oid == oid::xml ? named("string", "io.debezium.data.Xml") : plain("string"),
                   placeholder());
    }
    const auto known = types_.find(column.type_oid);
    // A domain's typmod is inside of the domain.
    const auto typmod = column.type_kind == 'd' && known != types_.end() ? known->second.base_typmod : column.typmod;
    return of_type(column.base_oid, typmod);
  }

 private:
  std::optional<ColumnCodec> of_type(std::uint32_t type, std::int32_t typmod) const {
    if (const auto element = oid::element_of(type); element != 0) return array(element, typmod);
    if (const auto range = oid::range_of(type); range != 0) {
      return typed(range, printed<append_multirange>());
    }
    switch (type) {
      case oid::boolean:
        return codec(append_boolean, plain("boolean"), {});
      case oid::int2:
        return codec(append_integer<std::int16_t>, plain("int16"), {});
      case oid::int4:
        return codec(append_integer<std::int32_t>, plain("int32"), {});
      case oid::int8:
        return codec(append_integer<std::int64_t>, plain("int64"), {});
      case oid::oid:
      case oid::xid:
      case oid::cid:
        return codec(append_integer<std::uint32_t>, plain("int64"), {});
      case oid::xid8:
        return codec(append_quoted_unsigned, plain("string"), {});
      case oid::float4:
        return codec(append_float4, plain("float"), {});
      case oid::float8:
        return codec(append_float8, plain("double"), {});
      case oid::numeric:
        return numeric(typmod);
      case oid::money:
        return money();
      case oid::text:
      case oid::varchar:
      case oid::bpchar:
      case oid::name:
      case oid::unknown:
      case oid::refcursor:
        return codec(append_text, plain("string"), placeholder());
      case oid::char_:
        return codec(append_char, plain("string"), {});
      case oid::uuid:
        return codec(append_uuid, named("string", "io.debezium.data.Uuid"), {});
      case oid::json:
        return codec(append_text, named("string", "io.debezium.data.Json"), placeholder());
      case oid::jsonb:
        return codec(append_versioned_text, named("string", "io.debezium.data.Json"), placeholder());
      case oid::jsonpath:
        return codec(append_versioned_text, plain("string"), placeholder());
      case oid::bytea:
        return binary();
      case oid::bit:
      case oid::varbit:
        return bits(typmod);
      case oid::date:
        return date();
      case oid::time:
        return time(typmod);
      case oid::timetz:
        return codec(append_timetz, named("string", "io.debezium.time.ZonedTime"), {});
      case oid::timestamp:
        return timestamp(typmod);
      case oid::timestamptz: {
        auto made = codec(append_timestamptz, named("string", "io.debezium.time.ZonedTimestamp"), {});
        made.scale = typmod < 0 ? 6 : typmod;
        return made;
      }
      case oid::interval:
        return modes_.interval == IntervalMode::numeric
                   ? codec(append_interval, named("int64", "io.debezium.time.MicroDuration"), {})
                   : codec(append_interval_string, named("string", "io.debezium.time.Interval"), {});
      case oid::inet:
      case oid::cidr:
        return printed<append_network>();
      case oid::macaddr:
      case oid::macaddr8:
        return printed<append_mac_address>();
      case oid::tsvector:
        return codec(append_printed<append_tsvector>, named("string", "io.debezium.data.Tsvector"), placeholder());
      case oid::pg_lsn:
        return printed<append_plain_lsn>();
      case oid::tid:
        return codec(append_tid, plain("string"), {});
      case oid::point:
        return codec(
            append_point,
            {R"("type":"struct","fields":[{"type":"double","optional":false,"field":"x"},)"
             R"({"type":"double","optional":false,"field":"y"},{"type":"bytes","optional":true,"field":"wkb"},)"
             R"({"type":"int32","optional":true,"field":"srid"}])",
             R"x(,"name":"io.debezium.data.geometry.Point","version":1,"doc":"Geometry (POINT)")x"},
            {});
      case oid::box:
      case oid::circle:
      case oid::line:
      case oid::lseg:
      case oid::path:
      case oid::polygon:
        return typed(type, printed<append_geometry>());
      case oid::int4range:
      case oid::int8range:
      case oid::numrange:
      case oid::daterange:
      case oid::tsrange:
      case oid::tstzrange:
        return typed(type, printed<append_range>());
      default:
        return of_made_type(type, typmod);
    }
  }

  /// Types of users and extensions.
  std::optional<ColumnCodec> of_made_type(std::uint32_t type, std::int32_t typmod) const {
    const auto found = types_.find(type);
    if (found == types_.end()) return std::nullopt;
    const auto& known = found->second;
    if (known.element_oid != 0) return array(known.element_oid, typmod);
    if (known.kind == 'd') return of_type(known.base_oid, known.base_typmod);
    if (known.kind == 'e') return enumeration(known);
    if (known.kind != 'b') return std::nullopt;
    if (known.name == "citext") return codec(append_text, plain("string"), placeholder());
    if (known.name == "ltree")
      return codec(append_versioned_text, named("string", "io.debezium.data.Ltree"), placeholder());
    if (known.name == "hstore") return codec(append_hstore, named("string", "io.debezium.data.Json"), placeholder());
    return std::nullopt;
  }

  ColumnCodec codec(Append append, FieldSchema schema, std::string unavailable) const {
    return {.append = append, .schema = std::move(schema), .unavailable = std::move(unavailable), .text = &text_};
  }
  template <auto Print>
  ColumnCodec printed() const {
    return codec(append_printed<Print>, plain("string"), placeholder());
  }
  static ColumnCodec typed(std::uint32_t type, ColumnCodec made) {
    made.type = type;
    return made;
  }
  std::string placeholder() const { return quoted(modes_.unavailable_value_placeholder); }

  std::optional<ColumnCodec> array(std::uint32_t element_type, std::int32_t typmod) const {
    auto element = of_type(element_type, typmod);
    if (!element) return std::nullopt;
    auto made = codec(append_array, {R"("type":"array","items":)" + element->schema.json(true, {}), {}},
                      placeholder_of_array(element_type, *element));
    made.type = element_type;
    made.may_nest = !options_.with_schema;
    made.element = std::make_unique<ColumnCodec>(std::move(*element));
    return made;
  }
  /// What Debezium writes: the placeholder as the only element, or its bytes as numbers.
  std::string placeholder_of_array(std::uint32_t type, const ColumnCodec& element) const {
    if (type == oid::uuid) return "[" + uuid_of(modes_.unavailable_value_placeholder) + "]";
    if (type == oid::int2 || type == oid::int4 || type == oid::int8 || type == oid::oid ||
        (type == oid::date && element.append == append_date)) {
      std::string numbers;
      for (const auto c : modes_.unavailable_value_placeholder) {
        numbers += fmt::format("{}{}", numbers.empty() ? "" : ",", static_cast<int>(static_cast<signed char>(c)));
      }
      return "[" + numbers + "]";
    }
    return element.unavailable.empty() ? std::string{} : "[" + element.unavailable + "]";
  }

  ColumnCodec enumeration(const SourceType& type) const {
    std::string allowed;
    for (const auto& label : type.labels) allowed.append(allowed.empty() ? "" : ",").append(label);
    auto schema = named("string", "io.debezium.data.Enum");
    schema.meaning += fmt::format(R"(,"parameters":{{"allowed":{}}})", quoted(allowed));
    return codec(append_text, std::move(schema), {});
  }

  ColumnCodec numeric(std::int32_t typmod) const {
    switch (modes_.decimal) {
      case DecimalMode::string:
        return codec(append_decimal_string, plain("string"), placeholder());
      case DecimalMode::double_precision:
        return codec(append_decimal_double, plain("double"), {});
      case DecimalMode::precise:
        break;
    }
    if (typmod < numeric_header) {
      return codec(append_variable_decimal,
                   {R"("type":"struct","fields":[{"type":"int32","optional":false,"field":"scale"},)"
                    R"({"type":"bytes","optional":false,"field":"value"}])",
                    R"(,"name":"io.debezium.data.VariableScaleDecimal","version":1,"doc":"Variable scaled decimal")"},
                   {});
    }
    const auto packed = typmod - numeric_header;
    const auto scale = ((packed & 0x7FF) ^ 1024) - 1024;  // eleven bits with a sign
    auto made = codec(
        append_decimal,
        {R"("type":"bytes")",
         fmt::format(
             R"(,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{{"scale":"{}","connect.decimal.precision":"{}"}})",
             scale, packed >> 16 & 0xFFFF)},
        {});
    made.scale = scale;
    return made;
  }

  ColumnCodec money() const {
    ColumnCodec made;
    switch (modes_.decimal) {
      case DecimalMode::string:
        made = codec(append_money_string, plain("string"), {});
        break;
      case DecimalMode::double_precision:
        made = codec(append_money_double, plain("double"), {});
        break;
      case DecimalMode::precise:
        made = codec(
            append_money,
            {R"("type":"bytes")",
             fmt::format(R"(,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{{"scale":"{}"}})",
                         modes_.money_fraction_digits)},
            {});
        break;
    }
    made.scale = modes_.money_fraction_digits;
    return made;
  }

  ColumnCodec binary() const {
    const auto& text = modes_.unavailable_value_placeholder;
    switch (modes_.binary) {
      case BinaryMode::bytes:
        return codec(append_bytes<append_base64>, plain("bytes"), base64_of(text));
      case BinaryMode::base64:
        return codec(append_bytes<append_base64>, plain("string"), base64_of(text));
      case BinaryMode::base64_url_safe: {
        JsonBuffer out;
        append_base64_url_safe(out, text);
        return codec(append_bytes<append_base64_url_safe>, plain("string"), quoted(out.view()));
      }
      case BinaryMode::hex:
        break;
    }
    return codec(append_bytes<append_hex>, plain("string"), placeholder());
  }

  ColumnCodec bits(std::int32_t typmod) const {
    if (typmod == 1) return codec(append_one_bit, plain("boolean"), {});
    constexpr auto unlimited = 2147483647;
    return codec(append_bits,
                 {R"("type":"bytes")",
                  fmt::format(R"(,"name":"io.debezium.data.Bits","version":1,"parameters":{{"length":"{}"}})",
                              typmod < 0 ? unlimited : typmod)},
                 base64_of(modes_.unavailable_value_placeholder));
  }

  ColumnCodec date() const {
    switch (modes_.time) {
      case TimeMode::isostring:
        return codec(append_date_string, named("string", "io.debezium.time.IsoDate"), placeholder());
      case TimeMode::connect:
        return codec(append_date, named("int32", "org.apache.kafka.connect.data.Date"), {});
      default:
        return codec(append_date, named("int32", "io.debezium.time.Date"), {});
    }
  }

  /// Are milliseconds enough for a time or timestamp of this precision?
  static bool is_coarse(std::int32_t typmod) { return typmod >= 0 && typmod <= 3; }

  ColumnCodec time(std::int32_t typmod) const {
    const auto coarse = modes_.time == TimeMode::adaptive && is_coarse(typmod);
    switch (modes_.time) {
      case TimeMode::isostring:
        return codec(append_time_string, named("string", "io.debezium.time.IsoTime"), placeholder());
      case TimeMode::connect:
        return codec(append_time<TimeUnit::milliseconds>, named("int32", "org.apache.kafka.connect.data.Time"), {});
      case TimeMode::nanoseconds:
        return codec(append_time<TimeUnit::nanoseconds>, named("int64", "io.debezium.time.NanoTime"), {});
      default:
        return coarse ? codec(append_time<TimeUnit::milliseconds>, named("int32", "io.debezium.time.Time"), {})
                      : codec(append_time<TimeUnit::microseconds>, named("int64", "io.debezium.time.MicroTime"), {});
    }
  }

  ColumnCodec timestamp(std::int32_t typmod) const {
    const auto coarse = modes_.time != TimeMode::microseconds && is_coarse(typmod);
    switch (modes_.time) {
      case TimeMode::isostring:
        return codec(append_timestamp_string, named("string", "io.debezium.time.IsoTimestamp"), placeholder());
      case TimeMode::connect:
        return codec(append_timestamp<TimeUnit::milliseconds>,
                     named("int64", "org.apache.kafka.connect.data.Timestamp"), {});
      case TimeMode::nanoseconds:
        return codec(append_timestamp<TimeUnit::nanoseconds>, named("int64", "io.debezium.time.NanoTimestamp"), {});
      default:
        return coarse
                   ? codec(append_timestamp<TimeUnit::milliseconds>, named("int64", "io.debezium.time.Timestamp"), {})
                   : codec(append_timestamp<TimeUnit::microseconds>, named("int64", "io.debezium.time.MicroTimestamp"),
                           {});
    }
  }

  const CodecOptions& options_;
  const ValueModes& modes_;
  const SourceTypes& types_;
  const SourceText& text_;
};

}  // namespace

std::optional<ColumnCodec> column_codec(const wire::Column& column, const CodecOptions& options,
                                        const SourceTypes& types, const SourceText& text) {
  return Picker{options, types, text}.pick(column);
}

}  // namespace walgate::mirror
