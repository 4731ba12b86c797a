#include "apply/gate_watch.hpp"

#include <algorithm>

#include "batch/announcement.hpp"
#include "observe/log.hpp"

namespace walgate::apply {

void GateWatch::look(const std::vector<Piece>& pieces, const Piece& piece) const {
  const auto lsn = piece.transaction.final_lsn;
  if (history_.becoming.lsn != lsn) {
    for (const auto* relation : piece.frame.outdated) {
      if (has_used(pieces, piece, *relation)) throw HeldAt{lsn};
    }
  }
  for (const auto& message : piece.frame.messages) {
    if (history_.becoming.lsn == lsn) break;  // the gate has seen to them
    const auto migration = announced_to(config_.pipeline, message);
    if (migration && !migrations_.contains(*migration)) throw HeldAt{lsn};
  }
  const bool rewrites_known = history_.becoming.lsn == lsn && history_.becoming.rewrites_known;
  for (const auto* relation : piece.frame.rewrites) {
    if (seam_.holds(*relation, piece.transaction)) continue;
    if (!rewrites_known && tables_.rewrite_of(*relation, lsn) != TableSet::Rewrite::settled) throw HeldAt{lsn};
    log::warning("table_rewritten",
                 "the source has rewritten a table; values that it computed there are not in the stream, and have to "
                 "be made on the target as well",
                 {{"relation", QualifiedName{relation->schema, relation->name}.display()}, {"lsn", lsn}});
    tables_.saw_rewrite(*relation, lsn);
  }
}

bool GateWatch::has_used(const std::vector<Piece>& pieces, const Piece& last, const wire::Relation& relation) const {
  if (seam_.holds(relation, last.transaction)) return false;
  bool from_its_begin = last.is_first();
  const auto uses = [&](const Piece& piece) {
    const auto& frame = piece.frame;
    return std::ranges::find(frame.changes, &relation, &wire::Change::relation) != frame.changes.end() ||
           std::ranges::any_of(frame.truncates, [&](const auto& relations) {
             return std::ranges::find(relations, &relation) != relations.end();
           });
  };
  if (uses(last)) return true;
  for (const auto& piece : pieces) {
    if (piece.transaction.final_lsn != last.transaction.final_lsn) continue;
    from_its_begin = from_its_begin || piece.is_first();
    if (&piece != &last && uses(piece)) return true;
  }
  return !from_its_begin;  // the first pieces of a large one are gone
}

}  // namespace walgate::apply
