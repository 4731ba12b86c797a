// decoder.hpp - frames into transactions' pieces.
//
// Follows extension/PROTOCOL.md.  A decoder lives as long as one replication session: it remembers the relations
// and where in the session's grammar it stands.  Everything it gives out is checked: lengths, order, column counts,
// the number of changes; what is odd throws ProtocolError.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "walgate/wire_format.hpp"
#include "wire/encoding.hpp"
#include "wire/lsn.hpp"
#include "wire/reader.hpp"
#include "wire/relation.hpp"

namespace walgate::wire {

struct Hello {
  std::uint16_t version = 0;
  std::uint32_t server_version_num = 0;
  std::string extension_version;
  std::string encoding;
};

/// A transaction's head: all that is known before its first change.
struct Begin {
  std::uint32_t xid = 0;
  Lsn final_lsn;                 ///< where the commit record starts
  Lsn end_lsn;                   ///< the byte after it: what is confirmed
  std::int64_t commit_time = 0;  ///< microseconds since 2000-01-01 UTC
};

struct Message {
  bool transactional = false;
  Lsn lsn;
  std::string prefix;
  std::string content;
};

/// One insert, update, delete or truncate.  Tuples are bodies of COPY BINARY tuples, column count in front; they are
/// whole and have the columns that the relation says.
struct Change {
  RecordKind kind = RecordKind::insert;
  std::uint8_t flags = 0;
  std::uint32_t truncate_index = 0;    ///< truncate only: index into Frame::truncates
  const Relation* relation = nullptr;  ///< null for a truncate
  std::string_view old_tuple;          ///< empty when there is none
  std::string_view new_tuple;
};

/// What one frame holds: a whole transaction, a piece of one, or what stands outside of transactions.
struct Frame {
  std::optional<Begin> begin;  ///< the transaction starts in this frame
  std::vector<Change> changes;
  std::vector<std::vector<const Relation*>> truncates;
  /// Like `truncates`: of a truncate of partitions their names, "schema.name"; else empty.
  std::vector<std::vector<std::string>> partitions;
  /// Versions that others take the place of here: the same relation looked so before, or another one had the name.
  std::vector<const Relation*> outdated;
  std::vector<const Relation*> described;  ///< versions that are told here, also those that no change follows
  /// Relations that the transaction rewrites: their rows have got values that the stream does not hold.
  std::vector<const Relation*> rewrites;
  std::vector<std::size_t> rewrites_after;  ///< like `rewrites`: how many of the changes come before
  std::vector<Message> messages;
  std::vector<std::size_t> messages_after;  ///< like `messages`: how many of the changes come before
  bool commit = false;                      ///< the transaction ends in this frame
};

/// One column's value in a tuple.  `length` may be length_null or length_unchanged_toast; then `data` is null.
struct Value {
  const char* data = nullptr;
  std::int32_t length = length_null;
};

/// Cuts a checked tuple into values; `values` is reused.
void split_tuple(std::string_view tuple, std::vector<Value>& values);

class Decoder {
 public:
  /// Views in the result point into `frame`; relations live as long as the decoder.
  [[nodiscard]] Frame decode(std::string_view frame);
  /// The head of the transaction that is being received, or nullopt between transactions.
  [[nodiscard]] const std::optional<Begin>& open_transaction() const noexcept { return open_; }
  /// Known after the first frame.
  [[nodiscard]] const std::optional<Hello>& hello() const noexcept { return hello_; }

 private:
  void read_record(RecordKind kind, std::string_view body, Frame& frame);
  void read_hello(Reader reader);
  void read_begin(Reader reader, Frame& frame);
  void read_relation(Reader reader, Frame& frame);
  void read_row_change(RecordKind kind, Reader reader, Frame& frame);
  void read_rewrite(Reader reader, Frame& frame);
  void read_truncate(Reader reader, Frame& frame);
  void read_message(Reader reader, Frame& frame);
  void read_commit(Reader reader, Frame& frame);
  const Relation& relation(std::uint32_t id) const;

  std::optional<Hello> hello_;
  Encoding encoding_;  ///< of the source; names are given out in UTF-8
  std::optional<Begin> open_;
  std::uint64_t changes_in_transaction_ = 0;
  Lsn last_end_;
  std::deque<Relation> versions_;
  std::unordered_map<std::uint32_t, const Relation*> current_;
  std::unordered_map<std::string, const Relation*> holders_;  ///< by schema, a zero byte, name
  std::size_t expected_changes_ = 0;                          ///< of the last frame, to reserve
};

}  // namespace walgate::wire
