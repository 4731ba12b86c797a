#include "mirror/progress_record.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <random>

#include "errors/error.hpp"
#include "mirror/topic_reader.hpp"

namespace walgate::mirror {

std::string progress_key(const std::string& pipeline) {
  return nlohmann::ordered_json{{"pipeline", pipeline}}.dump();
}

std::string progress_value(const MirrorProgress& progress) {
  return nlohmann::ordered_json{
      {"lsn", progress.position.text()},      {"last_commit_lsn", progress.last_commit.text()},
      {"incarnation", progress.incarnation},  {"source_system_identifier", progress.source},
      {"source_timeline", progress.timeline}, {"slot", progress.slot}}
      .dump();
}

std::optional<MirrorProgress> parse_progress(std::string_view value) {
  const auto json = nlohmann::json::parse(value, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto text = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  const auto position = Lsn::parse(text("lsn"));
  const auto last_commit = Lsn::parse(text("last_commit_lsn"));
  if (!position || !last_commit || text("incarnation").empty()) return std::nullopt;
  return MirrorProgress{.position = *position,
                        .last_commit = *last_commit,
                        .incarnation = text("incarnation"),
                        .source = text("source_system_identifier"),
                        .timeline = json.value("source_timeline", std::int64_t{0}),
                        .slot = text("slot")};
}

std::optional<MirrorProgress> read_progress(const KafkaProperties& properties, const std::string& topic,
                                            const std::string& pipeline, const Patience& patience) {
  std::optional<std::string> newest;
  const auto key = progress_key(pipeline);
  read_to_end(properties, topic, patience, [&](const ReadRecord& record) {
    if (record.key != key) return;
    newest.reset();
    if (record.has_value) newest = record.value;
  });
  if (!newest) return std::nullopt;
  auto progress = parse_progress(*newest);
  if (!progress) {
    throw Error{
        {.name = ErrorName::mirror_progress_lost,
         .message = fmt::format("the last record of topic \"{}\" for pipeline \"{}\" cannot be read", topic, pipeline),
         .phase = "mirror"}};
  }
  return progress;
}

std::string draw_incarnation() {
  std::random_device random;
  std::string digits;
  for (int i = 0; i < 4; ++i) digits += fmt::format("{:08x}", random());
  return digits;
}

}  // namespace walgate::mirror
