// failure_from_json.hpp - the way back: a failure that was stored as JSON.
#pragma once

#include <string_view>

#include "errors/error.hpp"

namespace walgate {

/// Reads what failure_json wrote.  A field that is missing stays empty; an unknown name becomes internal_error.
[[nodiscard]] Failure failure_from_json(std::string_view text);

}  // namespace walgate
