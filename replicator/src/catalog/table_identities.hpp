// table_identities.hpp - which OID each source table had, so that one created again under a name is told from the old.
#pragma once

#include <cstdint>
#include <map>

#include "catalog/identifier.hpp"
#include "wire/lsn.hpp"

namespace walgate {

/// Lives as long as the service: its start is the moment from which on a table counts as known.  What was created again
/// before that moment is taken as it is, because a person has started the service after it.
class TableIdentities {
 public:
  /// What the source publishes at `now`, when the service starts.  Later calls are without effect.
  void start(const std::map<QualifiedName, std::uint32_t>& published, Lsn now) {
    if (started_.is_set()) return;
    started_ = now;
    oids_ = published;
  }
  /// Is this table, of which a transaction at `lsn` brings changes, the one that its name has stood for?  An unknown
  /// name is learned.
  [[nodiscard]] bool is_same(const QualifiedName& table, std::uint32_t oid, Lsn lsn) {
    if (lsn <= started_) return true;
    return oids_.emplace(table, oid).first->second == oid;
  }

 private:
  Lsn started_;
  std::map<QualifiedName, std::uint32_t> oids_;
};

}  // namespace walgate
