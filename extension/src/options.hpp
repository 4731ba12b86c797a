// options.hpp - the options of START_REPLICATION and of pg_logical_slot_*_changes, checked.
#pragma once

#include "pg_compat.hpp"

namespace walgate {

enum class Format : std::uint8_t { binary, json };

/// Which transactions are sent: all, or only those that no replication has brought.
enum class Origin : std::uint8_t { any, none };

/// What the client asked for.
struct Options {
  List* publications = NIL;  ///< names as char*, at least one
  Format format = Format::binary;
  Origin origin = Origin::any;
  bool messages = false;   ///< also messages whose prefix is not ours
  std::int64_t limit = 0;  ///< json only: stop writing after so many objects; 0 is no limit
};

/// Reads the list of DefElem that the server hands to the plugin.  ERROR on an unknown, repeated, malformed or
/// missing option and on another protocol version.  Memory is of the current context.
[[nodiscard]] Options read_options(List* elements);

}  // namespace walgate
