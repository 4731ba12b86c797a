// print.hpp - what `walgate config` prints.
#pragma once

#include <string>

#include "config/config.hpp"

namespace walgate {

/// The effective configuration as JSON, defaults filled in, passwords in connection strings replaced by stars.
[[nodiscard]] std::string config_json(const Config& config, bool indented);

/// The table of keys in Markdown.
[[nodiscard]] std::string config_reference();

/// The JSON Schema of the file (draft 2020-12).
[[nodiscard]] std::string config_schema();

}  // namespace walgate
