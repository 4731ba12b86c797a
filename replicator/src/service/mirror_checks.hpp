// mirror_checks.hpp - what stands against mirroring into Kafka: tables, topics, the cluster, the transactional id.
#pragma once

#include <vector>

#include "config/config.hpp"
#include "errors/finding.hpp"
#include "service/mirrored_source.hpp"

namespace walgate::service {

/// Tables against records' forms, and wanted topics against those that there are.  Changes nothing.  `unanswered`: how
/// grave it is that the cluster does not answer.
[[nodiscard]] std::vector<Finding> check_mirror(const Config& config, const MirroredSource& source,
                                                Severity unanswered);

/// May the mirror use its transactional id?  Taking it over is the only way to know, so this is tried only where no
/// service runs the pipeline, and none can start meanwhile.
[[nodiscard]] std::vector<Finding> check_transactional_id(const Config& config, postgres::Connection& source);

/// Both, as `walgate mirror check` tells it.  Throws Error when the source cannot answer.
[[nodiscard]] std::vector<Finding> check_mirror_alone(const Config& config);

/// Throws Error configuration_invalid where the configuration asks for no mirror.
void require_mirror(const Config& config);

}  // namespace walgate::service
