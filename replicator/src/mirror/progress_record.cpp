#include "mirror/progress_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "mirror/topic_reader.hpp"
#include "observe/failure_from_json.hpp"

namespace walgate::mirror {

namespace {

using nlohmann::ordered_json;

std::string text_member(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

template <typename Number>
Number number_member(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_integer() ? found->get<Number>() : Number{};
}

bool flag_member(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

std::optional<QualifiedName> name_of(const std::string& text) {
  std::string mistake;
  const auto pattern = NamePattern::parse(text, mistake);
  if (!pattern || pattern->has_wildcard()) return std::nullopt;
  return pattern->fill({});
}

}  // namespace

std::optional<Failure> ProgressRecords::standing_error() const {
  if (error && error->lsn && position && position->position > *error->lsn) return std::nullopt;
  return error;
}

std::string progress_key(const std::string& pipeline) {
  return ordered_json{{"pipeline", pipeline}}.dump();
}

std::string progress_value(const MirrorProgress& progress) {
  ordered_json json{{"lsn", progress.position.text()},
                    {"last_commit_lsn", progress.last_commit.text()},
                    {"incarnation", progress.incarnation},
                    {"source_system_identifier", progress.source},
                    {"slot", progress.slot},
                    {"timeline", progress.timeline},
                    {"database", progress.database},
                    {"slot_transactions", progress.slot_transactions}};
  if (progress.gap) json["gap"] = {{"from", progress.gap->from.text()}, {"to", progress.gap->to.text()}};
  return json.dump();
}

std::optional<MirrorProgress> parse_progress(std::string_view value) {
  const auto json = nlohmann::json::parse(value, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto position = Lsn::parse(text_member(json, "lsn"));
  const auto last_commit = Lsn::parse(text_member(json, "last_commit_lsn"));
  if (!position || !last_commit || text_member(json, "incarnation").empty()) return std::nullopt;
  MirrorProgress progress{.position = *position,
                          .last_commit = *last_commit,
                          .incarnation = text_member(json, "incarnation"),
                          .source = text_member(json, "source_system_identifier"),
                          .slot = text_member(json, "slot"),
                          .timeline = number_member<std::int64_t>(json, "timeline"),
                          .database = number_member<std::uint32_t>(json, "database"),
                          .slot_transactions = number_member<std::int64_t>(json, "slot_transactions"),
                          .gap = std::nullopt};
  if (const auto gap = json.find("gap"); gap != json.end() && gap->is_object()) {
    const auto from = Lsn::parse(text_member(*gap, "from"));
    const auto to = Lsn::parse(text_member(*gap, "to"));
    if (!from || !to) return std::nullopt;
    progress.gap = MirrorGap{*from, *to};
  }
  return progress;
}

std::string table_key(const std::string& pipeline, const QualifiedName& table) {
  return ordered_json{{"pipeline", pipeline}, {"table", table.display()}}.dump();
}

std::string table_value(const CopiedTable& table) {
  ordered_json json{{"oid", table.oid}, {"ids", table.ids}};
  json["snapshot"] = table.snapshot.empty() ? ordered_json(nullptr) : ordered_json(table.snapshot);
  json["horizon"] = table.horizon.text();
  json["rows"] = table.rows;
  if (table.again) json["again"] = true;
  if (!table.gap_told.empty()) json["gap_told"] = table.gap_told;
  return json.dump();
}

std::optional<CopiedTable> parse_table(std::string_view value) {
  const auto json = nlohmann::json::parse(value, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto horizon = Lsn::parse(text_member(json, "horizon"));
  if (!horizon) return std::nullopt;
  return CopiedTable{.oid = number_member<std::uint32_t>(json, "oid"),
                     .ids = text_member(json, "ids"),
                     .snapshot = text_member(json, "snapshot"),
                     .horizon = *horizon,
                     .rows = number_member<std::uint64_t>(json, "rows"),
                     .again = flag_member(json, "again"),
                     .gap_told = text_member(json, "gap_told")};
}

std::string request_key(const std::string& pipeline, const RepublishRequest& request) {
  return ordered_json{{"pipeline", pipeline},
                      {"republish", request.table ? ordered_json(request.table->display()) : ordered_json(nullptr)},
                      {"id", request.id}}
      .dump();
}

std::string skip_key(const std::string& pipeline, Lsn lsn) {
  return ordered_json{{"pipeline", pipeline}, {"skip", lsn.text()}}.dump();
}

std::string opened_key(const std::string& pipeline) {
  return ordered_json{{"pipeline", pipeline}, {"opened", true}}.dump();
}

std::string error_key(const std::string& pipeline) {
  return ordered_json{{"pipeline", pipeline}, {"error", true}}.dump();
}

bool take_record(const std::string& pipeline, std::string_view key, std::optional<std::string_view> value,
                 ProgressRecords& records) {
  const auto json = nlohmann::json::parse(key, nullptr, false);
  if (!json.is_object() || text_member(json, "pipeline") != pipeline) return false;
  if (value) {
    records.keys.emplace(key);
  } else {
    records.keys.erase(std::string{key});
  }
  if (json.size() == 1) {
    records.position.reset();
    if (!value) return true;
    records.position = parse_progress(*value);
    if (!records.position) {
      throw Error{
          {.name = ErrorName::mirror_progress_lost,
           .message = fmt::format("the last record of pipeline \"{}\" in its progress topic cannot be read", pipeline),
           .phase = "mirror"}};
    }
    return true;
  }
  if (json.contains("table")) {
    const auto table = name_of(text_member(json, "table"));
    if (!table) return false;
    records.tables.erase(*table);
    if (auto known = value ? parse_table(*value) : std::nullopt) records.tables.emplace(*table, std::move(*known));
    return true;
  }
  if (json.contains("republish")) {
    RepublishRequest request{.table = name_of(text_member(json, "republish")), .id = text_member(json, "id")};
    if (!request.table && !json["republish"].is_null()) return false;
    std::erase_if(records.requests, [&](const auto& known) { return known.id == request.id; });
    if (value) records.requests.push_back(std::move(request));
    return true;
  }
  if (json.contains("skip")) {
    const auto lsn = Lsn::parse(text_member(json, "skip"));
    if (!lsn) return false;
    records.skips.erase(*lsn);
    if (value) records.skips.insert(*lsn);
    return true;
  }
  if (json.contains("opened")) {
    records.opened = value.value_or("");
    return true;
  }
  if (json.contains("error")) {
    records.error.reset();
    if (value) records.error = failure_from_json(*value);
    return true;
  }
  return false;
}

ProgressRecords read_progress(const KafkaProperties& properties, const std::string& topic, const std::string& pipeline,
                              const Patience& patience) {
  // Of each key the newest alone is read: an old one may be of a release that wrote others.
  std::map<std::string, std::optional<std::string>> newest;
  ProgressRecords records;
  read_to_end(properties, topic, patience, [&](const ReadRecord& record) {
    auto& value = newest[std::string{record.key}];
    value.reset();
    if (record.has_value) value.emplace(record.value);
    records.next_offset = record.offset + 1;
  });
  for (const auto& [key, value] : newest) {
    take_record(pipeline, key, value ? std::optional<std::string_view>{*value} : std::nullopt, records);
  }
  return records;
}

std::string draw_incarnation() {
  std::random_device random;
  std::string digits;
  for (int i = 0; i < 4; ++i) digits += fmt::format("{:08x}", random());
  return digits;
}

}  // namespace walgate::mirror
