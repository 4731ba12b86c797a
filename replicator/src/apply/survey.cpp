#include "apply/survey.hpp"

#include <algorithm>
#include <span>

#include "batch/announcement.hpp"

namespace walgate::apply {

namespace {

void add_once(std::vector<wire::Relation>& relations, const wire::Relation& relation) {
  if (std::ranges::find(relations, relation.serial, &wire::Relation::serial) == relations.end()) {
    relations.push_back(relation);
  }
}

}  // namespace

void Survey::add(const std::string& pipeline, const Piece& piece) {
  transaction = piece.transaction;
  for (std::size_t i = 0; i < piece.frame.rewrites.size(); ++i) {
    const auto& relation = *piece.frame.rewrites[i];
    const auto before = std::span{piece.frame.changes}.first(piece.frame.rewrites_after[i]);
    if (changed.contains(relation.oid) || std::ranges::any_of(before, [&](const wire::Change& change) {
          return change.relation != nullptr && change.relation->oid == relation.oid;
        })) {
      changed_before_rewrite.insert(relation.oid);
    }
  }
  for (const auto& change : piece.frame.changes) {
    if (change.relation != nullptr) {
      add_once(relations, *change.relation);
      changed.insert(change.relation->oid);
      if (change.kind == wire::RecordKind::insert) inserts_into.insert(change.relation->serial);
    } else {
      for (const auto* relation : piece.frame.truncates[change.truncate_index]) add_once(relations, *relation);
    }
  }
  for (const auto* relation : piece.frame.described) add_once(relations, *relation);
  std::ranges::sort(relations, {}, &wire::Relation::serial);  // which is the order of their telling
  for (const auto* relation : piece.frame.rewrites) add_once(rewritten, *relation);
  for (const auto& message : piece.frame.messages) {
    if (auto migration = announced_to(pipeline, message)) announced.push_back(std::move(*migration));
  }
}

Survey read_through(const std::string& pipeline, std::vector<Piece> pieces, const std::function<Piece()>& next) {
  Survey survey;
  for (const auto& piece : pieces) survey.add(pipeline, piece);
  for (bool complete = pieces.back().is_last(); !complete;) {
    const auto piece = next();
    survey.add(pipeline, piece);
    complete = piece.is_last();
  }
  return survey;
}

}  // namespace walgate::apply
