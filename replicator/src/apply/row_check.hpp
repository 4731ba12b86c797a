// row_check.hpp - holds what statements hit against what they were given, and counts it.
#pragma once

#include <cstdint>
#include <set>

#include "apply/ticket.hpp"
#include "observe/status.hpp"

namespace walgate::apply {

/// Of one target transaction.
struct Tally {
  Counters counted;
  Conflicts conflicts;
};

/// Adds inserts, updates or deletes.
void count(Counters& counted, wire::RecordKind kind, std::uint64_t changes) noexcept;

class RowCheck {
 public:
  explicit RowCheck(bool replica_role) : replica_role_{replica_role} {}

  /// The result of a statement about rows.  Throws Error row_missing, row_ambiguous, row_filter_without_values.
  void on_hits(const Ticket& ticket, std::uint64_t hits);
  /// Hands out what was counted and starts anew.
  [[nodiscard]] Tally take() noexcept;
  [[nodiscard]] Tally& tally() noexcept { return tally_; }

 private:
  /// Was the row perhaps taken by the target's own ON DELETE CASCADE?
  bool is_cascaded(const Ticket& ticket, std::uint64_t hits);
  [[noreturn]] static void values_missing(const Ticket& ticket);

  const bool replica_role_;
  Tally tally_;
  std::uint32_t xid_of_deletes_ = 0;
  std::set<std::uint32_t> deleted_from_;  ///< target tables from which the present source transaction deleted
};

}  // namespace walgate::apply
