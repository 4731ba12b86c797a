// mirror_commands.hpp - what the command line can ask of a pipeline's Kafka mirror.
//
// Each call opens its own sessions and closes them.  All throw Error.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/identifier.hpp"
#include "config/config.hpp"

namespace walgate::service {

/// Has the topic of a table built again from the table, or all topics: by the running service or at the next start.
/// Returns sentences about what was done, for a person.  Throws republish_refused.
std::vector<std::string> republish(const Config& config, const std::optional<QualifiedName>& table);

}  // namespace walgate::service
