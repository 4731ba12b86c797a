// checksum.hpp - by what a migration is known again: SHA-256 over its bytes as they are.
#pragma once

#include <string>
#include <string_view>

namespace walgate::migrate {

/// 64 small hexadecimal digits.
[[nodiscard]] std::string sha256(std::string_view bytes);

}  // namespace walgate::migrate
