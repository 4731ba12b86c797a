// reading.cpp - see the header.

#include "config/reading.hpp"

#include <spdlog/fmt/fmt.h>

namespace walgate::config {
namespace {

constexpr std::size_t longest_name_bytes = 63;  // NAMEDATALEN - 1

}  // namespace

std::optional<std::string> read_text(const Element& value, const std::string& path, Mistakes& mistakes) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) {
    add(mistakes, path, fmt::format("must be a string, not {}", kind_of(value)));
    return std::nullopt;
  }
  if (text.find('\0') != std::string_view::npos) {
    add(mistakes, path, "must not hold the character \\u0000");
    return std::nullopt;
  }
  return std::string{text};
}

bool is_catalog_name(std::string_view name, const std::string& path, Mistakes& mistakes) {
  if (name.empty()) {
    add(mistakes, path, "must not be empty");
    return false;
  }
  if (name.find('\0') != std::string_view::npos) {
    add(mistakes, path, "must not hold the character \\u0000");
    return false;
  }
  if (name.size() > longest_name_bytes) {
    add(mistakes, path, fmt::format("{} is longer than 63 bytes, the most PostgreSQL keeps of a name", shown(name)));
    return false;
  }
  return true;
}

}  // namespace walgate::config
