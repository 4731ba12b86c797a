#include "mirror/copied_tables.hpp"

#include <algorithm>
#include <ranges>
#include <sstream>

namespace walgate::mirror {

namespace {

bool share_a_word(const std::string& one, const std::string& other) {
  std::istringstream words{one};
  for (std::string word; words >> word;) {
    if ((" " + other + " ").find(" " + word + " ") != std::string::npos) return true;
  }
  return false;
}

}  // namespace

std::string ids_of(const PublishedTable& table) {
  std::string ids;
  for (const auto& [publication, entry] : table.entries) ids += (ids.empty() ? "" : " ") + entry.ids;
  return ids;
}

const CopiedTable* CopiedTables::find(const QualifiedName& table) const {
  const auto found = known_.find(table);
  return found == known_.end() ? nullptr : &found->second;
}

std::vector<QualifiedName> CopiedTables::wanted(const PublishedTables& published) const {
  std::vector<QualifiedName> tables;
  for (const auto& [name, table] : published) {
    const auto* known = find(name);
    const bool was_copied = known != nullptr && !known->snapshot.empty();
    const bool is_other = was_copied && (known->oid != table.oid || !share_a_word(known->ids, ids_of(table)));
    const bool is_asked = known != nullptr && known->again;
    if (is_asked || (copies_ && (!was_copied || is_other))) tables.push_back(name);
  }
  return tables;
}

std::vector<QualifiedName> CopiedTables::left(const PublishedTables& published) const {
  std::vector<QualifiedName> tables;
  for (const auto& [name, table] : known_) {
    if (!published.contains(name)) tables.push_back(name);
  }
  return tables;
}

bool CopiedTables::lacks(const QualifiedName& table, std::uint32_t oid) const {
  const auto* known = find(table);
  if (known != nullptr && known->again) return true;
  return copies_ && (known == nullptr || known->snapshot.empty() || known->oid != oid);
}

Seam CopiedTables::seam() const {
  Seam seam;
  for (const auto& [name, table] : known_) {
    if (auto snapshot = Snapshot::parse(table.snapshot)) seam.add(name, std::move(*snapshot), table.horizon);
  }
  return seam;
}

bool CopiedTables::is_filled(const MirrorGap& gap, const PublishedTables& published) const {
  return std::ranges::all_of(published, [&](const auto& table) {
    const auto* known = find(table.first);
    return known != nullptr && !known->snapshot.empty() && !known->again && known->horizon >= gap.to;
  });
}

}  // namespace walgate::mirror
