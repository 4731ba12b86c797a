// pipeline_slots.hpp - the replication slots on the source that belong to a pipeline.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "postgres/connection.hpp"

namespace walgate::service {

/// Drops the pipeline's slot, and the copy that its mirror may have made.  Returns sentences about what was done.
/// Throws Error, slot_of_other_plugin among others.
std::vector<std::string> drop_slots(const Config& config, postgres::Connection& source);

}  // namespace walgate::service
