// ledger.hpp - how far the copy of each table has come, as the target remembers it (walgate.copies,
// walgate.copy_ranges).
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
/// A published table and the table of the target that its rows go to, as the mapping says.
struct Filled {
  QualifiedName source;
  QualifiedName target;
};
/// Brings the ledger to what is published now: tables that are new, that came back after they had left, or that go to
/// another table than before wait for their copy; without copies wanted, new ones are only streamed.  Not `may_empty`:
/// target tables hold rows of others, so that one that came back is only streamed on.
void settle(postgres::Connection& target, const std::string& pipeline, const std::vector<Filled>& tables, bool wanted,
            bool may_empty);
/// The table is to be emptied and copied, at the next start of a session.  False: the ledger does not know it.
bool copy_again(postgres::Connection& target, const std::string& pipeline, const QualifiedName& table);

// The states of a copy; each inside a transaction that does what it says.
/// Nothing of the tables is on the target any more, as was asked for.
void mark_emptied(postgres::Connection& target, const std::string& pipeline, const std::vector<QualifiedName>& tables);
/// A table whose copy begins.
struct Begun {
  QualifiedName source;
  std::string fingerprint;
  std::uint64_t rows_estimated = 0;
};
/// Ranges of the tables will follow, all as of the snapshot.  Those that a person has asked for again go on waiting.
void mark_copying(postgres::Connection& target, const std::string& pipeline, const std::vector<Begun>& tables,
                  const std::string& snapshot, Lsn horizon);
/// All ranges of the tables are there.
void mark_copied(postgres::Connection& target, const std::string& pipeline, const std::vector<QualifiedName>& tables);
/// What was there of copies that had begun is gone.
void mark_waiting(postgres::Connection& target, const std::string& pipeline, const std::vector<QualifiedName>& tables);

/// As of when a table that waits for its copy could be taken for copied: `snapshot` sees what happened to it before
/// `horizon`.
void offer_as_copied(postgres::Connection& target, const std::string& pipeline, const QualifiedName& table,
                     const std::string& snapshot, Lsn horizon);
/// A person says that it is, as was offered at the transaction at `lsn`; nothing where nothing was.
void take_for_copied(postgres::Connection& target, const std::string& pipeline, const QualifiedName& table, Lsn lsn);

/// Published tables that a person wants to be copied again, that wait, or that the ledger does not know yet.
[[nodiscard]] std::vector<QualifiedName> asked_for(postgres::Connection& target, const std::string& pipeline,
                                                   bool wanted);
/// "[{"s": schema, "t": name}, …]" for jsonb_to_recordset.
[[nodiscard]] std::string names_json(const std::vector<QualifiedName>& tables);

/// What the stream has to know.
/// Throws Error internal_error where somebody has changed what we wrote.
[[nodiscard]] Seam seam_of(const Entries& entries);
/// Puts the copy's part into the tables' states: `position` is the target's; `wanted`: unknown tables wait for a copy.
void show(const Entries& entries, Lsn position, bool wanted, std::vector<TableStatus>& tables);

}  // namespace walgate::copy
