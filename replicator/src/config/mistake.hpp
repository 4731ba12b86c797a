// mistake.hpp - one thing that is wrong with a configuration file.
#pragma once

#include <string>
#include <vector>

namespace walgate {

/// What is wrong, and where.  Never holds the text of a conninfo, which may have a password.
struct Mistake {
  std::string path;  ///< "tables[2].columns.body", or "line 3, column 7"; empty: the whole file
  std::string text;  ///< lower case, no full stop

  /// `path: text`.
  [[nodiscard]] std::string sentence() const { return path.empty() ? text : path + ": " + text; }
  friend bool operator==(const Mistake&, const Mistake&) = default;
};

using Mistakes = std::vector<Mistake>;

}  // namespace walgate
