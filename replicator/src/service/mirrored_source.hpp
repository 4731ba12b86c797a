// mirrored_source.hpp - what the mirror's commands know of the source: which tables go to Kafka, and how.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "errors/finding.hpp"
#include "mirror/source_types.hpp"
#include "mirror/topics.hpp"
#include "postgres/connection.hpp"
#include "wire/relation.hpp"

namespace walgate::service {

struct MirroredSource {
  std::vector<std::string> missing_publications;
  std::vector<wire::Relation> relations;  ///< what the publications hold
  mirror::SourceTypes types;
  std::string database;  ///< its name
  std::string encoding;  ///< PostgreSQL's name
};

/// A table whose changes become records.
struct MirroredTable {
  const wire::Relation* relation;
  mirror::TableTopic topic;
  std::vector<std::uint16_t> key;  ///< columns of the relation; empty: records without a key

  [[nodiscard]] std::string display() const { return QualifiedName{relation->schema, relation->name}.display(); }
};

/// Types that users and extensions made.  The session speaks UTF-8.
[[nodiscard]] mirror::SourceTypes read_source_types(postgres::Connection& source);

/// Asks the source; waits for locks of others a little only.  The session speaks UTF-8.  Throws Error.
[[nodiscard]] MirroredSource read_mirrored_source(const Config& config, postgres::Connection& source);

/// The tables that the configuration mirrors; what keeps one from it becomes a finding.  Leads into `source`.
[[nodiscard]] std::vector<MirroredTable> mirrored_tables(const Config& config, const MirroredSource& source,
                                                         Findings& findings);

}  // namespace walgate::service
