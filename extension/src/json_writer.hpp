// json_writer.hpp - format `json`: one object per record, for people, tests and peek().
#pragma once

#include "change.hpp"

extern "C" {
#include "lib/stringinfo.h"
}

namespace walgate {

class JsonWriter {
 public:
  /// Stops writing after `limit` objects; 0 is no limit.
  void open(MemoryContext context, std::int64_t limit);

  /// Cuts off what an error left half written.
  void discard_partial() { resetStringInfo(&text_); }

  // One object and one write each.
  void begin(LogicalDecodingContext* ctx, const Transaction& transaction);
  void relation(LogicalDecodingContext* ctx, const RelationEntry& entry);
  void change(LogicalDecodingContext* ctx, RelationEntry& entry, const RowChange& change);
  void rewrite(LogicalDecodingContext* ctx, const RelationEntry& entry);
  void truncate(LogicalDecodingContext* ctx, const Truncation& truncation);
  void message(LogicalDecodingContext* ctx, const LogicalMessage& message);
  void commit(LogicalDecodingContext* ctx, const Transaction& transaction);

 private:
  [[nodiscard]] bool is_full() const { return limit_ != 0 && written_ >= limit_; }
  void write(LogicalDecodingContext* ctx, bool last_write);

  StringInfoData text_;
  std::int64_t limit_;
  std::int64_t written_;
};

}  // namespace walgate
