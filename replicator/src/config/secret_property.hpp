// secret_property.hpp - which of librdkafka's properties nobody may see.
#pragma once

#include <string_view>

namespace walgate {

/// May the value be a password, a key or a token?
[[nodiscard]] bool is_secret_property(std::string_view name) noexcept;

}  // namespace walgate
