// ledger.hpp - how far the copy of each table has come, as the target remembers it (walgate.copies, walgate.copy_ranges).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "batch/seam.hpp"
#include "catalog/identifier.hpp"
#include "observe/status.hpp"
#include "postgres/connection.hpp"

namespace walgate::copy {

/// `excluded`: the table is only streamed.
enum class State { waiting, copying, copied, excluded };
[[nodiscard]] std::string_view text_of(State state) noexcept;

/// Blocks of one file of the source that are on the target.
struct DoneRange {
  std::uint32_t part = 0;  ///< OID of the table or partition
  std::uint64_t first_block = 0;
  std::uint64_t end_block = 0;
};

/// A row of walgate.copies.
struct Entry {
  State state = State::waiting;
  bool again = false;       ///< waiting: what the target's table holds goes first
  std::string fingerprint;  ///< of the source's files and of what is copied
  std::string snapshot;     ///< pg_snapshot; empty while there is none
  Lsn horizon;
  std::uint64_t rows = 0;
  std::optional<std::uint64_t> rows_estimated;
  std::uint64_t bytes = 0;
  std::vector<DoneRange> done;  ///< copying: in order
};
using Entries = std::map<QualifiedName, Entry>;

/// Empty where the target's own tables are of a release that knew no copy.
[[nodiscard]] Entries read_entries(postgres::Connection& target, const std::string& pipeline);
/// Adds tables that the ledger does not know.
void add_tables(postgres::Connection& target, const std::string& pipeline, const std::vector<QualifiedName>& tables,
                State state);
/// The table is only streamed, whatever was to become of it.
void exclude(postgres::Connection& target, const std::string& pipeline, const QualifiedName& table);
/// The table is to be emptied and copied, at the next start of a session.  False: the ledger does not know it.
bool copy_again(postgres::Connection& target, const std::string& pipeline, const QualifiedName& table);

/// What the stream has to know.
[[nodiscard]] Seam seam_of(const Entries& entries);
/// Puts the copy's part into the tables' states: `position` is the target's.
void show(const Entries& entries, Lsn position, std::vector<TableStatus>& tables);

}  // namespace walgate::copy
