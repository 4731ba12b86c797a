// load.hpp - a configuration file into a Config, or into everything that is wrong with it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

#include "config/config.hpp"
#include "config/mistake.hpp"

namespace walgate {

/// The checked configuration, or at least one mistake.
using LoadedConfig = std::variant<Config, Mistakes>;

/// Reads JSON text.  All mistakes are found in one run.  Files with values are looked for from `folder` on.
[[nodiscard]] LoadedConfig parse_config(std::string_view json, const std::filesystem::path& folder = {});

/// Reads a file; one that cannot be read is a mistake too.
[[nodiscard]] LoadedConfig load_config(const std::string& file);

}  // namespace walgate
