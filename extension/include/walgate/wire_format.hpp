// wire_format.hpp - the numbers both ends of the stream agree on.
//
// PROTOCOL.md is the grammar; this header holds its constants and nothing that belongs to one side.
// The plugin includes it next to postgres.h and the service next to the standard library, so it uses
// neither.  All integers travel in network byte order, because a row image is the body of a
// COPY BINARY tuple.
#pragma once

#include <cstddef>
#include <cstdint>

namespace walgate::wire {

/// The only protocol version this source tree speaks.
inline constexpr std::uint16_t protocol_version = 1;

/// First bytes of the body of every hello record: "WALGATE" and a zero byte.
inline constexpr char hello_magic[8] = {'W', 'A', 'L', 'G', 'A', 'T', 'E', '\0'};

/// A frame is written when it has grown to this size; one record may make it larger.
inline constexpr std::size_t frame_bytes = 64 * 1024;

/// Bytes in front of each record's body: kind (1) and length of the body (4).
inline constexpr std::size_t record_header_bytes = 5;

/// What a record is.  The values are printable so that a hex dump can be read.
enum class RecordKind : std::uint8_t {
  hello = 'H',
  begin = 'B',
  relation = 'R',
  insert = 'I',
  update = 'U',
  delete_ = 'D',
  truncate = 'T',
  rewrite = 'W',
  message = 'M',
  commit = 'C',
};

/// Flags of an update or a delete: which old image is sent.  Neither: none is.
inline constexpr std::uint8_t old_key = 0x01;   ///< the identity columns only, in column order
inline constexpr std::uint8_t old_full = 0x02;  ///< every column (replica identity full)
/// Flag of an update: the server had no new row to give, the record ends after the old image.
inline constexpr std::uint8_t no_new_tuple = 0x04;
/// Flag of an update: the row passes the row filter only now, so that the target has no row for it.  It would have been
/// an insert, had the WAL held all its values.
inline constexpr std::uint8_t enters_row_filter = 0x08;

/// Flags of a truncate.
inline constexpr std::uint8_t truncate_cascade = 0x01;
inline constexpr std::uint8_t truncate_restart_identity = 0x02;
inline constexpr std::uint8_t truncate_of_partitions = 0x04;  ///< only partitions of the relations were emptied

/// Flag of a message: it belongs to the transaction around it.
inline constexpr std::uint8_t message_transactional = 0x01;

/// Flags of a column.
inline constexpr std::uint8_t column_is_key = 0x01;        ///< part of the replica identity
inline constexpr std::uint8_t column_is_generated = 0x02;  ///< stored, and computed by the source

/// How the values of a column travel.
enum class ValueFormat : std::uint8_t {
  text = 't',    ///< the type's output function
  binary = 'b',  ///< the type's send function
};

/// Lengths in a row image that are no lengths.
inline constexpr std::int32_t length_null = -1;
inline constexpr std::int32_t length_unchanged_toast = -2;

}  // namespace walgate::wire
