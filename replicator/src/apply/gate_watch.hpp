// gate_watch.hpp - notices what only the gate can decide about a transaction, before its changes are applied.
//
// Migrations that it announces, tables that it rewrites, rows that it wrote in a shape which their table has no more.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "apply/history.hpp"
#include "apply/survey.hpp"
#include "apply/table_set.hpp"
#include "batch/seam.hpp"
#include "config/config.hpp"

namespace walgate::apply {

class GateWatch {
 public:
  /// `migrations`: ids of those that are applied.  The references must outlive the watch.
  GateWatch(const Config& config, std::set<std::string> migrations, const Seam& seam, TableSet& tables,
            const History& history)
      : config_{config}, migrations_{std::move(migrations)}, seam_{seam}, tables_{tables}, history_{history} {}

  /// Throws HeldAt where the transaction of the piece has to wait.  What it rewrites is as good as seen then. `pieces`:
  /// those that were read before it and are still there; it may be among them.
  void look(const std::vector<Piece>& pieces, const Piece& piece) const;

 private:
  /// Has the transaction changed rows in this version of the relation, up to the piece?  True also where that cannot be
  /// told any more.
  [[nodiscard]] bool has_used(const std::vector<Piece>& pieces, const Piece& last,
                              const wire::Relation& relation) const;

  const Config& config_;
  const std::set<std::string> migrations_;
  const Seam& seam_;
  TableSet& tables_;
  const History& history_;
};

}  // namespace walgate::apply
