#include "service/mirrored_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "catalog/table_mapping.hpp"
#include "errors/error.hpp"
#include "mirror/mirror_settings.hpp"
#include "mirror/record_key.hpp"
#include "mirror/table_records.hpp"
#include "mirror/topic_names.hpp"
#include "stream/source_catalog.hpp"

namespace walgate::service {

namespace {

using postgres::number_field;
using postgres::rows;
using postgres::text_field;

/// The names of all topics hold against each other and against Kafka's rules.
void check_names(const Config& config, const std::vector<mirror::TopicRequest>& requests, Findings& findings) {
  std::string mistake;
  const auto pattern = TopicPattern::parse(config.kafka.topic, mistake);
  if (!pattern) {
    findings.error(ErrorName::configuration_invalid, "kafka", mistake, {}, "kafka.topic");
    return;
  }
  const auto own =
      std::to_array({mirror::progress_topic(config), mirror::transaction_topic(config), mirror::schemas_topic(config)});
  for (auto& sentence : mirror::topic_names(*pattern, config.pipeline, requests, own).mistakes) {
    findings.error(ErrorName::topic_name_taken, "topics", std::move(sentence));
  }
}

}  // namespace

mirror::SourceTypes read_source_types(postgres::Connection& source) {
  const auto result = source.exec(std::string{mirror::source_types_query});
  mirror::SourceTypes types;
  for (int row = 0; row < rows(result); ++row) {
    types[static_cast<std::uint32_t>(number_field(result, row, 0))] = {
        .kind = text_field(result, row, 1).at(0),
        .base_oid = static_cast<std::uint32_t>(number_field(result, row, 2)),
        .base_typmod = static_cast<std::int32_t>(number_field(result, row, 3)),
        .element_oid = static_cast<std::uint32_t>(number_field(result, row, 4)),
        .name = text_field(result, row, 5),
        .labels = postgres::list_field(result, row, 6)};
  }
  return types;
}

MirroredSource read_mirrored_source(const Config& config, postgres::Connection& source) {
  MirroredSource found;
  const auto database =
      source.exec("SELECT pg_catalog.current_database(), pg_catalog.current_setting('server_encoding')");
  found.database = text_field(database, 0, 0);
  found.encoding = text_field(database, 0, 1);
  // From 17 on the list of published tables waits for whoever has one of them locked.
  source.exec("SET lock_timeout = '5s'");
  const auto existing = stream::existing_publications(source, config.source.publications);
  for (const auto& name : config.source.publications) {
    if (std::ranges::find(existing, name) == existing.end()) found.missing_publications.push_back(name);
  }
  found.relations = stream::published_relations(source, config.source.publications);
  source.exec("SET lock_timeout = 0");
  found.types = read_source_types(source);
  return found;
}

std::vector<MirroredTable> mirrored_tables(const Config& config, const MirroredSource& source, Findings& findings) {
  const auto options = mirror::record_options(config, source.database);
  const mirror::SourceText text{source.encoding};
  std::vector<MirroredTable> tables;
  std::vector<mirror::TopicRequest> requests;
  for (const auto& relation : source.relations) {
    const QualifiedName name{relation.schema, relation.name};
    const auto* const rule = map_table(config.tables, name).rule;
    if (rule != nullptr && !rule->topic) continue;
    requests.push_back({.table = name});
    if (rule != nullptr && !rule->topic->empty()) requests.back().topic = *rule->topic;
    try {
      auto key = mirror::key_columns(config, relation);
      static_cast<void>(mirror::TableRecords{relation, key, options, source.types, text});
      if (const auto topic = mirror::topic_of_table(config, name)) tables.push_back({&relation, *topic, key});
    } catch (const Error& error) {
      const auto& failure = error.failure();
      if (failure.name == ErrorName::mirror_topic_unfit) continue;  // a name, of which check_names tells
      findings.error(failure.name, name.display(),
                     failure.detail.empty() ? failure.message : fmt::format("{}: {}", failure.message, failure.detail),
                     failure.remedy, rule == nullptr ? std::string{} : rule->path);
    }
  }
  check_names(config, requests, findings);
  return tables;
}

}  // namespace walgate::service
