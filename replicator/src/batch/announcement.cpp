#include "batch/announcement.hpp"

#include <nlohmann/json.hpp>

namespace walgate {

std::optional<std::string> announced_to(const std::string& pipeline, const wire::Message& message) {
  if (!message.transactional || message.prefix != "walgate.migration") return std::nullopt;
  const auto content = nlohmann::json::parse(message.content, nullptr, false);
  if (!content.is_object()) return std::nullopt;
  const auto text_of = [&](const char* key) {
    const auto found = content.find(key);
    return found != content.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  auto migration = text_of("migration");
  if (text_of("pipeline") != pipeline || migration.empty()) return std::nullopt;
  return migration;
}

}  // namespace walgate
