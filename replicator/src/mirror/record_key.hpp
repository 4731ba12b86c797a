// record_key.hpp - which columns of a table are the key of its records.
#pragma once

#include <cstdint>
#include <vector>

#include "config/config.hpp"
#include "wire/relation.hpp"

namespace walgate::mirror {

/// Those that the configuration names, in its order, else those of the replica identity; none: records without keys.
/// Throws Error mirror_key_unknown for a column that the table does not have.
[[nodiscard]] std::vector<std::uint16_t> key_columns(const Config& config, const wire::Relation& relation);

}  // namespace walgate::mirror
