// schema.hpp - the one table of configuration keys.
//
// load.cpp validates a file with it; `config show`, `config reference` and `config schema` print from it.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "config/value_types.hpp"

namespace walgate::config {

/// Where values are put: the configuration, and the rule of `tables` that is being read, if one is.
struct Draft {
  Config& config;
  TableRule* rule = nullptr;
  std::filesystem::path folder{};  ///< of the configuration file: where relative paths start
};

/// One row.  A section ("source", or "tables" whose elements are objects) has no `read`.  One with `is_on` may be left
/// out or null, and only in one that is given are the required keys required.
struct Key {
  std::string path;          ///< "source.slot", "tables[].on_missing"
  std::string type;          ///< for the reference
  std::string standard;      ///< the default in words or JSON, for the reference; empty: the key is required
  std::string_view meaning;  ///< one phrase
  bool required = false;
  bool list = false;                         ///< a section that is an array of objects
  std::string_view missing = "is missing";   ///< what is said of a required key that is not there
  std::string_view unless = {};              ///< a section: where it is given the key is not required, and may be null
  std::function<bool(const Config&)> is_on;  ///< of a section that need not be given: is it?
  std::function<bool(const Element&, const std::string& path, Mistakes&, Draft&)> read;
  std::function<void(Draft&)> set_default;  ///< runs when the key is absent; those before it in the table have run
  std::function<ordered_json(Draft&)> show;
  ordered_json schema;

  [[nodiscard]] bool is_section() const noexcept { return !read; }
};

/// All keys; those of a section follow it.
[[nodiscard]] std::span<const Key> keys();

/// The section's own keys: prefix "" for the whole file, "source.", "tables[]." …
[[nodiscard]] std::vector<const Key*> keys_under(std::string_view prefix);

/// What stands in front of the paths of a section's keys.
[[nodiscard]] std::string prefix_of(const Key& section);

/// The last part of the path: what the file writes.
[[nodiscard]] std::string_view leaf_of(const Key& key);

}  // namespace walgate::config
