#include "mirror/schema_versions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "catalog/identifier.hpp"
#include "errors/error.hpp"

namespace walgate::mirror {

namespace {

using nlohmann::ordered_json;

std::string type_text(const wire::Column& column) {
  if (column.type_schema == "pg_catalog" || column.type_schema.empty()) return column.type_name;
  return QualifiedName{column.type_schema, column.type_name}.display();
}

}  // namespace

std::vector<SchemaColumn> schema_columns(const wire::Relation& relation, std::span<const std::uint16_t> key) {
  std::vector<SchemaColumn> columns;
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    const auto& column = relation.columns[i];
    const auto found = std::ranges::find(key, i);
    columns.push_back(
        {.name = column.name,
         .type = type_text(column),
         .typmod = column.typmod,
         .key = found == key.end() ? std::uint16_t{0} : static_cast<std::uint16_t>(found - key.begin() + 1)});
  }
  return columns;
}

bool only_adds(std::span<const SchemaColumn> before, std::span<const SchemaColumn> after) {
  std::size_t kept = 0;
  for (const auto& column : after) {
    if (kept < before.size() && column == before[kept]) {
      ++kept;
    } else if (column.key != 0) {
      return false;
    }
  }
  return kept == before.size();
}

std::string SchemaVersion::text() const {
  return fmt::format("{}.{}", major, minor);
}

std::string schema_key(std::string_view table, const SchemaVersion& version) {
  return ordered_json{{"table", table}, {"version", version.text()}}.dump();
}

std::string schema_value(std::string_view table, const SchemaVersion& version) {
  auto columns = ordered_json::array();
  for (const auto& column : version.columns) {
    columns.push_back({{"name", column.name},
                       {"type", column.type},
                       {"typmod", column.typmod},
                       {"key", column.key == 0 ? ordered_json(nullptr) : ordered_json(column.key)}});
  }
  return ordered_json{{"table", table},         {"version", version.text()}, {"major", version.major},
                      {"minor", version.minor}, {"lsn", version.lsn.text()}, {"columns", columns}}
      .dump();
}

void SchemaVersions::read(std::string_view value) {
  try {
    const auto json = nlohmann::json::parse(value);
    SchemaVersion version{.major = json.at("major").get<std::uint32_t>(),
                          .minor = json.at("minor").get<std::uint32_t>(),
                          .lsn = Lsn::parse(json.at("lsn").get<std::string>()).value(),
                          .columns = {}};
    for (const auto& column : json.at("columns")) {
      const auto& key = column.at("key");
      version.columns.push_back({.name = column.at("name").get<std::string>(),
                                 .type = column.at("type").get<std::string>(),
                                 .typmod = column.at("typmod").get<std::int32_t>(),
                                 .key = key.is_null() ? std::uint16_t{0} : key.get<std::uint16_t>()});
    }
    const Number number{version.major, version.minor};
    tables_[json.at("table").get<std::string>()].insert_or_assign(number, std::move(version));
  } catch (const std::exception&) {
    throw Error{{.name = ErrorName::mirror_progress_lost,
                 .message = "a record of the topic of schema versions cannot be read",
                 .phase = "mirror"}};
  }
}

SchemaVersions::Numbered SchemaVersions::of(const std::string& table, std::vector<SchemaColumn> columns, Lsn lsn) {
  auto& versions = tables_[table];
  for (auto& [number, version] : versions) {
    if (version.columns == columns) return {version, false};
  }
  SchemaVersion made{.major = 1, .minor = 0, .lsn = lsn, .columns = std::move(columns)};
  if (!versions.empty()) {
    const auto& newest = versions.rbegin()->second;
    const bool adds = only_adds(newest.columns, made.columns);
    made.major = newest.major + (adds ? 0 : 1);
    made.minor = adds ? newest.minor + 1 : 0;
  }
  const Number number{made.major, made.minor};
  return {versions.emplace(number, std::move(made)).first->second, true};
}

const SchemaVersion* SchemaVersions::find(const std::string& table, std::string_view text) const {
  const auto versions = tables_.find(table);
  if (versions == tables_.end()) return nullptr;
  const auto found = std::ranges::find_if(versions->second, [&](const auto& one) { return one.second.text() == text; });
  return found == versions->second.end() ? nullptr : &found->second;
}

}  // namespace walgate::mirror
