// registration.hpp - makes a pipeline known on the target.
#pragma once

#include <string>
#include <vector>

#include "service/start_checks.hpp"

namespace walgate::service {

/// Brings walgate's own tables up and registers the pipeline unless it is.  Updates `situation`; returns sentences
/// about what was done.  Throws Error when it must not be registered.
std::vector<std::string> ensure_registered(const Config& config, Situation& situation, postgres::Connection& target);

}  // namespace walgate::service
