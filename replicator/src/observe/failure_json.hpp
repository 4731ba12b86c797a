// failure_json.hpp - a failure as the object `error` of status and of every command's --json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "errors/error.hpp"

namespace walgate {

/// Every key is present; what is unknown is null.
[[nodiscard]] nlohmann::ordered_json failure_json(const Failure& failure);

/// One line; bytes that are not UTF-8 become U+FFFD, since texts of a server may be in any encoding.
[[nodiscard]] std::string dump(const nlohmann::ordered_json& json);

}  // namespace walgate
