// log_line.hpp - an event as text: what follows time and level in a line of the log.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "observe/log.hpp"

namespace walgate::log {

/// `streaming streaming from the slot slot="orders" lsn=0/4FFFF00`; line breaks and other control characters escaped.
[[nodiscard]] std::string text_rest(std::string_view name, std::string_view message, std::span<const Field> fields);

/// The members of a JSON object from "name" on, with the closing brace and without the opening one.  Unquoted fields
/// that are numbers stay numbers.
[[nodiscard]] std::string json_rest(std::string_view name, std::string_view message, std::span<const Field> fields);

}  // namespace walgate::log
