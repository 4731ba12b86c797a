// ticket.hpp - why a statement was sent: what its result means.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "catalog/table_plan.hpp"
#include "wire/decoder.hpp"

namespace walgate::apply {

struct PreparedTable;

enum class Purpose : std::uint8_t {
  begin,
  fence,
  prepare,
  row,
  rows,
  truncate,
  types,
  image,
  note,
  commit,
  wal_position,
  sync
};

struct Ticket {
  Purpose purpose = Purpose::begin;
  wire::RecordKind kind = wire::RecordKind::insert;
  std::uint32_t xid = 0;  ///< of the source's transaction; 0: several
  Lsn final_lsn;
  PreparedTable* table = nullptr;
  std::uint64_t rows = 1;  ///< how many the statement was given
  bool counted = false;    ///< its changes are in the counters already
  /// Of an update that leads a row into a row filter: the planned columns whose value is nowhere in the stream.
  const std::vector<bool>* missing_values = nullptr;
  std::size_t image = 0;                 ///< which row Images asked for
  const Statement* statement = nullptr;  ///< where it was a prepared one of the table
};

/// "insert", "update", "delete", "truncate".
[[nodiscard]] std::string_view text_of(wire::RecordKind kind) noexcept;

}  // namespace walgate::apply
