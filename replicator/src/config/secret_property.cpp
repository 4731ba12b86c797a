// secret_property.cpp - by words of the name, so that a property that a later librdkafka brings is hidden too.

#include "config/secret_property.hpp"

#include <algorithm>
#include <array>

namespace walgate {

bool is_secret_property(std::string_view name) noexcept {
  constexpr auto words =
      std::to_array<std::string_view>({"pass", "secret", "token", "key.pem", "sasl.oauthbearer.config", "jaas"});
  return std::ranges::any_of(words, [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

}  // namespace walgate
