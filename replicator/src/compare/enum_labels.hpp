// enum_labels.hpp - labels of an enum that the target lacks.
#pragma once

#include <string>
#include <vector>

#include "catalog/identifier.hpp"

namespace walgate::compare {

struct MissingLabels {
  std::vector<std::string> labels;
  std::vector<std::string> statements;  ///< add each where the source has it
};
[[nodiscard]] MissingLabels missing_labels(const std::vector<std::string>& source,
                                           const std::vector<std::string>& target, const QualifiedName& type);

}  // namespace walgate::compare
