// survey.hpp - what a transaction that cannot be applied as it is holds besides its rows.
//
// It is read to its end without anything of it being applied: how its relations look before and after what it does to
// them, which migrations it announces, which tables it rewrites.  From this the gate knows what the target lacks.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "batch/piece.hpp"

namespace walgate::apply {

/// Thrown at a transaction that cannot be applied as it is; everything before it can.
struct HeldAt {
  Lsn lsn;  ///< its final_lsn
};

struct Survey {
  wire::Begin transaction;
  std::vector<wire::Relation> relations;  ///< each version once, in order
  std::set<std::uint32_t> inserts_into;   ///< serials of those that get rows
  std::vector<wire::Relation> rewritten;
  std::set<std::uint32_t> changed;                 ///< OIDs of those that it changes rows of
  std::set<std::uint32_t> changed_before_rewrite;  ///< OIDs of those that it had changed rows of before
  std::vector<std::string> announced;              ///< ids of migrations for this pipeline, in order

  void add(const std::string& pipeline, const Piece& piece);
};

/// Reads the transaction that begins with these pieces to its end; `next` waits for one more.
[[nodiscard]] Survey read_through(const std::string& pipeline, std::vector<Piece> pieces,
                                  const std::function<Piece()>& next);

/// Thrown when the transaction has been read; all before it is committed.
struct Surveyed {
  Survey survey;
};

}  // namespace walgate::apply
