// conninfo.hpp - connection strings as libpq understands them, without their secrets.
#pragma once

#include <optional>
#include <string>

namespace walgate {

/// Why libpq does not accept the string; nullopt when it does.  Holds no part of the string's values.
[[nodiscard]] std::optional<std::string> mistake_in_conninfo(const std::string& conninfo);

/// The same settings as keyword = value pairs, with passwords replaced by stars.  Precondition: libpq accepts it.
[[nodiscard]] std::string masked_conninfo(const std::string& conninfo);

}  // namespace walgate
