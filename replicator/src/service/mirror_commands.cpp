#include "service/mirror_commands.hpp"

#include <fmt/format.h>

#include "errors/error.hpp"
#include "mirror/kafka_failure.hpp"
#include "mirror/progress_notes.hpp"
#include "mirror/progress_record.hpp"
#include "mirror/source_watch.hpp"

namespace walgate::service {

std::vector<std::string> republish(const Config& config, const std::optional<QualifiedName>& table) {
  const auto refuse = [](std::string message) {
    throw Error{Failure{.name = ErrorName::republish_refused, .message = std::move(message), .phase = "mirror"}};
  };
  if (!config.kafka.is_on()) refuse(fmt::format("pipeline \"{}\" has no Kafka mirror", config.pipeline));
  mirror::SourceWatch source{config, nullptr};
  const auto mirrored = source.tables().tables;
  if (table && !mirrored.contains(*table)) {
    refuse(fmt::format("pipeline \"{}\" mirrors no source table {}", config.pipeline, table->display()));
  }
  try {
    const mirror::RepublishRequest request{.table = table, .id = mirror::draw_incarnation()};
    mirror::write_notes(config, {{mirror::request_key(config.pipeline, request), "{}"}});
  } catch (const mirror::KafkaError& error) {
    throw Error{mirror::failure_of(error, config)};
  }
  return {fmt::format("{} will be sent again, by the running service within a second or at the next start",
                      table ? table->display() : fmt::format("the rows of {} tables", mirrored.size()))};
}

}  // namespace walgate::service
