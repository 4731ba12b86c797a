// copied_tables.hpp - which tables have their rows in Kafka, and which have to be copied first.
//
// A table is copied once, before its first change is sent.  It is copied again when a person asks for it, when another
// table has taken over its name, and when it was out of the publications: then changes of it were missed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "batch/seam.hpp"
#include "catalog/table_ledger.hpp"
#include "mirror/progress_record.hpp"

namespace walgate::mirror {

/// How the publications hold a table, as a text that shares no word with that of a table which was out of all of them
/// in between.
[[nodiscard]] std::string ids_of(const PublishedTable& table);

class CopiedTables {
 public:
  CopiedTables() = default;
  /// `copies`: tables that were not copied are copied by themselves.
  CopiedTables(std::map<QualifiedName, CopiedTable> known, bool copies) : known_{std::move(known)}, copies_{copies} {}

  [[nodiscard]] const std::map<QualifiedName, CopiedTable>& known() const noexcept { return known_; }
  [[nodiscard]] const CopiedTable* find(const QualifiedName& table) const;
  void set(const QualifiedName& table, CopiedTable entry) { known_.insert_or_assign(table, std::move(entry)); }
  void forget(const QualifiedName& table) { known_.erase(table); }

  /// Those of the published tables that have to be copied now.
  [[nodiscard]] std::vector<QualifiedName> wanted(const PublishedTables& published) const;
  /// Those that are not published any more.
  [[nodiscard]] std::vector<QualifiedName> left(const PublishedTables& published) const;
  /// May changes of this relation be sent that no copy holds?  `oid` of the relation as the stream describes it.
  [[nodiscard]] bool lacks(const QualifiedName& table, std::uint32_t oid) const;
  /// What the copies hold.
  [[nodiscard]] Seam seam() const;
  /// Was every published table copied since the gap?
  [[nodiscard]] bool is_filled(const MirrorGap& gap, const PublishedTables& published) const;

 private:
  std::map<QualifiedName, CopiedTable> known_;
  bool copies_ = false;
};

}  // namespace walgate::mirror
