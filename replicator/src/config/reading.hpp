// reading.hpp - what the readers of several value types share.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "config/mistake.hpp"
#include "config/value_types.hpp"

namespace walgate::config {

inline void add(Mistakes& mistakes, const std::string& path, std::string text) {
  mistakes.push_back({path, std::move(text)});
}

/// A string without zero characters: every text of the file goes to a server or a library as a C string in the end.
[[nodiscard]] std::optional<std::string> read_text(const Element& value, const std::string& path, Mistakes& mistakes);

/// Can the catalog hold such a name?
[[nodiscard]] bool is_catalog_name(std::string_view name, const std::string& path, Mistakes& mistakes);

/// Calls `each(name, value, path)` for the members of an object whose names `is_name(name, path, mistakes)` takes;
/// reports a name that comes twice.
template <typename IsName, typename Each>
bool read_members(const Element& value, const std::string& path, Mistakes& mistakes, IsName is_name, Each each) {
  simdjson::dom::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) {
    add(mistakes, path, "must be an object, not " + std::string{kind_of(value)});
    return false;
  }
  bool good = true;
  std::set<std::string_view> seen;
  for (const auto& [name, element] : object) {
    const std::string member = member_path(path, name);
    if (!seen.insert(name).second) {
      add(mistakes, member, "is given twice");
      good = false;
      continue;
    }
    if (!is_name(name, member, mistakes)) {
      good = false;
      continue;
    }
    good = each(std::string{name}, element, member) && good;
  }
  return good;
}

}  // namespace walgate::config
