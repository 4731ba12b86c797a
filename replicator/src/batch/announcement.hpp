// announcement.hpp - a migration that a transaction of the source asks for (walgate.announce_migration).
//
// Anybody may write such a message, so nothing in it is believed: what is odd is no announcement, and what is for
// another pipeline is left to that.
#pragma once

#include <optional>
#include <string>

#include "wire/decoder.hpp"

namespace walgate {

/// The id of the migration that the message announces to the pipeline, as it stands there; nullopt for any other
/// message.
[[nodiscard]] std::optional<std::string> announced_to(const std::string& pipeline, const wire::Message& message);

}  // namespace walgate
