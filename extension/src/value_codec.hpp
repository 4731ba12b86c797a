// value_codec.hpp - how the values of one column become bytes.
//
// The decision is made once per column, when the relation is first met: the common types are written here,
// the rest by the type's send function through an FmgrInfo that stays, and types whose binary form means
// nothing on another server by their output function.
#pragma once

#include "pg_compat.hpp"
#include "record_buffer.hpp"
#include "walgate/wire_format.hpp"

namespace walgate {

/// Who writes the value.  The inline ones are chosen by send function, not by type, so that domains and
/// types that share a representation come along.
enum class Codec : std::uint8_t {
  int8_bits,  ///< one byte passed by value
  int16_bits,
  int32_bits,
  int64_bits,
  fixed_16,  ///< 16 bytes passed by reference (uuid)
  varlena,   ///< the payload as it is (text, bytea, json ...)
  name,
  numeric,
  enum_label,
  send_function,
  output_function,
};

/// What the catalog says about the type of a column.
struct ColumnType {
  Oid oid;
  Oid base_oid;  ///< what a domain stands on, else oid
  char kind;     ///< pg_type.typtype
  const char* schema;
  const char* name;
};

/// A growing set of syscache hash values: the types a relation's codecs depend on.
struct TypeHashes {
  std::uint32_t* values = nullptr;
  int count = 0;
  int capacity = 0;
  void add(Oid type);
  [[nodiscard]] bool contains(std::uint32_t hash) const;
};

/// The labels of an enum that have been met, so that a value costs no catalog look-up.
class EnumLabels {
 public:
  /// Labels are kept in the current context.
  EnumLabels() : context_(CurrentMemoryContext) {}
  /// The label of an enum value.
  [[nodiscard]] std::string_view find(Oid value);

 private:
  struct Label {
    Oid value;
    std::string_view text;
  };
  MemoryContext context_;
  Label* labels_ = nullptr;
  int count_ = 0;
  int capacity_ = 0;
};

/// The codec of one column.  Lives in the memory context of its relation.
struct ValueCodec {
  Codec codec;
  wire::ValueFormat format;
  bool varlena;           ///< may be a pointer into the TOAST table
  bool elements_are_xml;  ///< of output_function: an array of xml
  FmgrInfo function;      ///< of send_function and output_function
  EnumLabels* labels;     ///< of enum_label
};

/// Reads what `type` is and notes it in `hashes`.
[[nodiscard]] ColumnType read_column_type(Oid type, TypeHashes& hashes);

/// The codec of a column of `type` in format `binary`.  Memory is of the current context, which the codec must not
/// outlive.
[[nodiscard]] ValueCodec choose_codec(Oid type, std::int16_t type_length, TypeHashes& hashes);

/// The codec that writes text whatever the type is.
[[nodiscard]] ValueCodec text_codec(Oid type, std::int16_t type_length);

/// True where the WAL does not hold the value: it is TOASTed and was not changed.
[[nodiscard]] inline bool is_unchanged_toast(const ValueCodec& codec, Datum value) {
  return codec.varlena && VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value));
}

/// What the output function of the codec writes, but xml as it is stored.  Memory is of the current context.
[[nodiscard]] const char* text_of_value(ValueCodec& codec, Datum value);

/// Writes length and bytes of a value that is neither null nor unchanged TOAST.  May allocate in the current context.
void append_value(RecordBuffer& out, ValueCodec& codec, Datum value);

}  // namespace walgate
