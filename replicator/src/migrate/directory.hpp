// directory.hpp - all migration files of a folder.
#pragma once

#include <string>
#include <vector>

#include "migrate/migration_file.hpp"

namespace walgate::migrate {

/// The files in the order of their numbers, which may have gaps.  Every entry of the folder that begins with a digit or
/// ends in ".sql" has to be a migration; others, and what begins with a dot, are left alone.  Throws Error with all
/// mistakes.
[[nodiscard]] std::vector<MigrationFile> read_directory(const std::string& directory);

}  // namespace walgate::migrate
