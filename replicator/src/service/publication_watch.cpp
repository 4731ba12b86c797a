#include "service/publication_watch.hpp"

#include "catalog/table_mapping.hpp"

namespace walgate::service {

namespace {

constexpr std::string_view streaming = "streaming";
constexpr std::string_view left = "left";
constexpr std::string_view recreated = "recreated";

}  // namespace

std::vector<PublicationWatch::Change> PublicationWatch::look(const PublishedTables& now) {
  std::vector<Change> changes;
  for (auto& [table, known] : known_) {
    if (known.state == left || now.contains(table)) continue;
    known.state = left;
    changes.push_back({ErrorName::table_left_publication, table});
  }
  for (const auto& [table, oid] : now) {
    const auto [found, is_new] = known_.try_emplace(table, Known{oid, streaming});
    auto& known = found->second;
    if (is_new) {
      if (looked_) changes.push_back({ErrorName::table_joined_publication, table});
    } else if (known.oid != oid) {
      known = {oid, recreated};
      changes.push_back({ErrorName::table_recreated, table});
    } else if (known.state == left) {
      known.state = streaming;
      changes.push_back({ErrorName::table_joined_publication, table});
    }
  }
  looked_ = true;
  return changes;
}

std::vector<TableStatus> PublicationWatch::tables(const Config& config) const {
  std::vector<TableStatus> tables;
  for (const auto& [table, known] : known_) {
    const auto mapping = map_table(config.tables, table);
    if (!mapping.target) continue;
    tables.push_back({table.display(), mapping.target->display(), std::string{known.state}});
  }
  return tables;
}

}  // namespace walgate::service
