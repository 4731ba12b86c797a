// file_text.hpp - small files, read whole.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace walgate::config {

/// What the file holds; nullopt and the reason in `mistake` where it cannot be read or has more than `most` bytes, as
/// an endless one has.  `limit` is the same number in words.
[[nodiscard]] std::optional<std::string> file_text(const std::string& file, std::size_t most, std::string_view limit,
                                                   std::string& mistake);

}  // namespace walgate::config
