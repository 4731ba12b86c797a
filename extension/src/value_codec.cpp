// value_codec.cpp - chooses and runs the codecs of columns.
//
//   value = length:i32, bytes ;    bytes: what the type's send function would write, or its text
#include "value_codec.hpp"

#include "numeric_value.hpp"

extern "C" {
#include "access/tupdesc.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/uuid.h"
}

namespace walgate {
namespace {

/// A copy of the fixed part of a pg_type row.
FormData_pg_type read_type(Oid type) {
  HeapTuple row = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
  if (!HeapTupleIsValid(row)) elog(ERROR, "cache lookup failed for type %u", type);
  FormData_pg_type form;
  std::memcpy(&form, GETSTRUCT(row), sizeof form);
  ReleaseSysCache(row);
  return form;
}

bool is_array_sender(Oid send) {
  return send == F_ARRAY_SEND;
}

/// The reg* types: their binary form is an OID, which another server gives to something else.
bool sends_an_oid_of_the_catalog(Oid send) {
  switch (send) {
    case F_REGPROCSEND:
    case F_REGPROCEDURESEND:
    case F_REGOPERSEND:
    case F_REGOPERATORSEND:
    case F_REGCLASSSEND:
    case F_REGTYPESEND:
    case F_REGROLESEND:
    case F_REGNAMESPACESEND:
    case F_REGCONFIGSEND:
    case F_REGDICTIONARYSEND:
    case F_REGCOLLATIONSEND:
      return true;
    default:
      return false;
  }
}

/// Types whose binary form does not give back every stored value.
bool loses_values_in_binary(Oid send) {
  switch (send) {
    case F_OIDVECTORSEND:   // an empty one is refused
    case F_INT2VECTORSEND:  // the same
    case F_TSQUERYSEND:     // 18 refuses an empty one
    case F_XML_SEND:        // writes the declaration anew, and without the encoding that was given
      return true;
    default:
      return false;
  }
}

bool binary_travels(Oid type, TypeHashes& hashes);

bool attributes_travel(Oid type, TypeHashes& hashes) {
  const TupleDesc attributes = lookup_rowtype_tupdesc_copy(type, -1);
  for (int i = 0; i < attributes->natts; ++i) {
    const Form_pg_attribute attribute = TupleDescAttr(attributes, i);
    if (!attribute->attisdropped && !binary_travels(attribute->atttypid, hashes)) return false;
  }
  return true;
}

/// Whether another server reads the value of `type` from its binary form.
bool binary_travels(Oid type, TypeHashes& hashes) {
  check_stack_depth();
  hashes.add(type);
  const Oid base = getBaseType(type);
  if (base != type) return binary_travels(base, hashes);
  const FormData_pg_type form = read_type(type);
  if (!OidIsValid(form.typsend) || !OidIsValid(form.typreceive)) return false;
  if (sends_an_oid_of_the_catalog(form.typsend) || loses_values_in_binary(form.typsend)) return false;
  if (is_array_sender(form.typsend) && OidIsValid(form.typelem)) return binary_travels(form.typelem, hashes);
  switch (form.typtype) {
    case TYPTYPE_COMPOSITE:
      return attributes_travel(type, hashes);
    case TYPTYPE_RANGE:
      return binary_travels(get_range_subtype(type), hashes);
    case TYPTYPE_MULTIRANGE:
      return binary_travels(get_multirange_range(type), hashes);
    default:
      return true;
  }
}

Codec codec_of_send_function(Oid send) {
  switch (send) {
    case F_BOOLSEND:
    case F_CHARSEND:
      return Codec::int8_bits;
    case F_INT2SEND:
      return Codec::int16_bits;
    case F_INT4SEND:
    case F_OIDSEND:
    case F_XIDSEND:
    case F_FLOAT4SEND:
    case F_DATE_SEND:
      return Codec::int32_bits;
    case F_INT8SEND:
    case F_FLOAT8SEND:
    case F_TIME_SEND:
    case F_TIMESTAMP_SEND:
    case F_TIMESTAMPTZ_SEND:
    case F_PG_LSN_SEND:
      return Codec::int64_bits;
    case F_UUID_SEND:
      return Codec::fixed_16;
    case F_TEXTSEND:
    case F_VARCHARSEND:
    case F_BPCHARSEND:
    case F_BYTEASEND:
    case F_JSON_SEND:
      return Codec::varlena;
    case F_NAMESEND:
      return Codec::name;
    case F_NUMERIC_SEND:
      return Codec::numeric;
    case F_ENUM_SEND:
      return Codec::enum_label;
    default:
      return Codec::send_function;
  }
}

}  // namespace

static_assert(sizeof(DateADT) == 4 && sizeof(TimestampTz) == 8 && sizeof(TimeADT) == 8 && UUID_LEN == 16);
// The fixed-width encoders take a Datum of eight bytes for what it holds.
static_assert(USE_FLOAT8_BYVAL, "walgate needs a 64-bit server");

void TypeHashes::add(Oid type) {
  const std::uint32_t hash = GetSysCacheHashValue1(TYPEOID, ObjectIdGetDatum(type));
  if (contains(hash)) return;
  if (count == capacity) {
    const int wanted = capacity == 0 ? 16 : capacity * 2;
    const std::size_t bytes = static_cast<std::size_t>(wanted) * sizeof *values;
    values = static_cast<std::uint32_t*>(values == nullptr ? palloc(bytes) : repalloc(values, bytes));
    capacity = wanted;
  }
  values[count++] = hash;
}

bool TypeHashes::contains(std::uint32_t hash) const {
  for (int i = 0; i < count; ++i)
    if (values[i] == hash) return true;
  return false;
}

std::string_view EnumLabels::find(Oid value) {
  for (int i = 0; i < count_; ++i)
    if (labels_[i].value == value) return labels_[i].text;

  HeapTuple row = SearchSysCache1(ENUMOID, ObjectIdGetDatum(value));
  if (!HeapTupleIsValid(row))
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("invalid internal value for enum: %u", value)));
  const MemoryContext caller = MemoryContextSwitchTo(context_);
  if (count_ == capacity_) {
    const int wanted = capacity_ == 0 ? 8 : capacity_ * 2;
    Label* larger = make_array_in_context<Label>(static_cast<std::size_t>(wanted));
    for (int i = 0; i < count_; ++i) larger[i] = labels_[i];
    labels_ = larger;
    capacity_ = wanted;
  }
  const char* label = pstrdup(NameStr(reinterpret_cast<Form_pg_enum>(GETSTRUCT(row))->enumlabel));
  labels_[count_] = {value, label};
  MemoryContextSwitchTo(caller);
  ReleaseSysCache(row);
  return labels_[count_++].text;
}

ColumnType read_column_type(Oid type, TypeHashes& hashes) {
  hashes.add(type);
  const FormData_pg_type form = read_type(type);
  ColumnType result;
  result.oid = type;
  result.base_oid = getBaseType(type);
  result.kind = form.typtype;
  result.schema = get_namespace_name(form.typnamespace);
  result.name = pstrdup(NameStr(form.typname));
  if (result.schema == nullptr) elog(ERROR, "cache lookup failed for schema %u", form.typnamespace);
  return result;
}

namespace {

Oid output_function_of(Oid type) {
  Oid function = InvalidOid;
  bool is_varlena = false;
  if (OidIsValid(type)) getTypeOutputInfo(type, &function, &is_varlena);
  return function;
}

}  // namespace

ValueCodec text_codec(Oid type, std::int16_t type_length) {
  ValueCodec codec = {};
  codec.codec = Codec::output_function;
  codec.format = wire::ValueFormat::text;
  Oid function = InvalidOid;
  getTypeOutputInfo(type, &function, &codec.varlena);
  codec.varlena = type_length == -1;
  // The output function of xml leaves out an encoding; what is stored is the text as it was given.
  if (function == F_XML_OUT) function = F_TEXTOUT;
  codec.elements_are_xml = function == F_ARRAY_OUT && output_function_of(get_base_element_type(type)) == F_XML_OUT;
  fmgr_info(function, &codec.function);
  return codec;
}

ValueCodec choose_codec(Oid type, std::int16_t type_length, TypeHashes& hashes) {
  if (!binary_travels(type, hashes)) return text_codec(type, type_length);
  ValueCodec codec = {};
  codec.format = wire::ValueFormat::binary;
  codec.varlena = type_length == -1;
  const Oid send = read_type(type).typsend;  // a domain has its base type's send function
  codec.codec = codec_of_send_function(send);
  if (codec.codec == Codec::send_function) fmgr_info(send, &codec.function);
  if (codec.codec == Codec::enum_label) codec.labels = make_in_context<EnumLabels>();
  return codec;
}

const char* text_of_value(ValueCodec& codec, Datum value) {
  if (codec.elements_are_xml) {
    // Values of xml are stored as those of text are, and written as they are stored when the array says text.
    ArrayType* array = DatumGetArrayTypePCopy(value);
    array->elemtype = TEXTOID;
    value = PointerGetDatum(array);
  }
  return OutputFunctionCall(&codec.function, value);
}

void append_value(RecordBuffer& out, ValueCodec& codec, Datum value) {
  switch (codec.codec) {
    case Codec::int8_bits:
      out.append_sized(DatumGetUInt8(value));
      return;
    case Codec::int16_bits:
      out.append_sized(DatumGetUInt16(value));
      return;
    case Codec::int32_bits:
      out.append_sized(DatumGetUInt32(value));
      return;
    case Codec::int64_bits:
      out.append_sized(static_cast<std::uint64_t>(value));
      return;
    case Codec::fixed_16:
      out.append_sized_bytes(DatumGetPointer(value), 16);
      return;
    case Codec::varlena: {
      const varlena* bytes = PG_DETOAST_DATUM_PACKED(value);
      out.append_sized_bytes(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
      return;
    }
    case Codec::name: {
      const char* text = NameStr(*DatumGetName(value));
      out.append_sized_bytes(text, strnlen(text, NAMEDATALEN));
      return;
    }
    case Codec::numeric:
      append_numeric(out, PG_DETOAST_DATUM_PACKED(value));
      return;
    case Codec::enum_label: {
      const std::string_view label = codec.labels->find(DatumGetObjectId(value));
      out.append_sized_bytes(label.data(), label.size());
      return;
    }
    case Codec::send_function: {
      const bytea* bytes = SendFunctionCall(&codec.function, value);
      out.append_sized_bytes(VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ);
      return;
    }
    case Codec::output_function: {
      const char* text = text_of_value(codec, value);
      out.append_sized_bytes(text, std::strlen(text));
      return;
    }
  }
}

}  // namespace walgate
