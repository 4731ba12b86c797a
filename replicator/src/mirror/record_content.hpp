// record_content.hpp - what is inside of a record's value, for who holds it against the table: hashes, never values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mirror/record.hpp"

namespace walgate::mirror {

/// Of a value's JSON text, or of a key.  Never zero, which stands for a value that is not known.
[[nodiscard]] std::uint64_t hash_of(std::string_view text) noexcept;
inline constexpr std::uint64_t unknown_value = 0;

struct RecordContent {
  char operation = 0;  ///< c, u, d, r, t
  std::string table;   ///< schema.name; empty in format flat, which does not say it
  /// Columns of the row after the change, in the record's order, and hashes of their values; empty where it has none.
  std::vector<std::string> columns;
  std::vector<std::uint64_t> hashes;
};

/// Reads one record after the other.
class RecordContentReader {
 public:
  RecordContentReader(RecordFormat format, bool with_schema);
  ~RecordContentReader();
  /// Is the value a record of a table?  Then `content` has it.
  [[nodiscard]] bool read(std::string_view value, RecordContent& content);

 private:
  struct Parser;
  RecordFormat format_;
  bool with_schema_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace walgate::mirror
