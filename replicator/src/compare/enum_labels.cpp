#include "compare/enum_labels.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walgate::compare {

MissingLabels missing_labels(const std::vector<std::string>& source, const std::vector<std::string>& target,
                             const QualifiedName& type) {
  MissingLabels missing;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (std::ranges::find(target, source[i]) != target.end()) continue;
    // The one before is there, or is added by the statement before.
    std::string place;
    if (i > 0) {
      place = " AFTER " + quote_literal(source[i - 1]);
    } else if (!target.empty()) {
      place = " BEFORE " + quote_literal(target.front());
    }
    missing.labels.push_back(source[i]);
    missing.statements.push_back(
        fmt::format("ALTER TYPE {} ADD VALUE IF NOT EXISTS {}{}", type.display(), quote_literal(source[i]), place));
  }
  return missing;
}

}  // namespace walgate::compare
