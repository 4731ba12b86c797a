// becoming.hpp - how relations look at the end of a transaction that changes them.
//
// Rows that the transaction wrote before it changed a relation come in the old shape, when the target has the new one
// already.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "wire/lsn.hpp"
#include "wire/relation.hpp"

namespace walgate::apply {

struct Becoming {
  Lsn lsn;                                            ///< final_lsn of the transaction
  std::map<std::uint32_t, wire::Relation> relations;  ///< by OID, of those that change
  std::set<std::uint32_t> replaced;                   ///< OIDs of tables whose names another one has at the end
  bool rewrites_known = false;  ///< a person or an announced migration has seen to the rows that it rewrote

  /// What the relation becomes, where that is something else than it is; null for other transactions.
  [[nodiscard]] const wire::Relation* of(const wire::Relation& relation, Lsn transaction) const {
    if (!lsn.is_set() || transaction != lsn) return nullptr;
    const auto found = relations.find(relation.oid);
    return found == relations.end() || found->second.looks_like(relation) ? nullptr : &found->second;
  }
  /// Will nothing be left of the table at the end of the transaction?
  [[nodiscard]] bool replaces(const wire::Relation& relation, Lsn transaction) const {
    return lsn.is_set() && transaction == lsn && replaced.contains(relation.oid);
  }
};

}  // namespace walgate::apply
