// finding.hpp - one thing that `check` found.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "errors/names.hpp"

namespace walgate {

enum class Severity : std::uint8_t { info, warning, error };

struct Finding {
  Severity severity;
  ErrorName name;
  std::string object;   ///< what it is about: a table, a column, the slot …
  std::string finding;  ///< what is the matter
  std::string remedy;
  std::string path = {};  ///< of the place in the configuration that it comes from; empty when no place does
};

/// Collects findings.
class Findings {
 public:
  void add(Severity severity, ErrorName name, std::string object, std::string text, std::string remedy = {},
           std::string path = {}) {
    if (remedy.empty()) remedy = entry_of(name).remedy;
    list_.push_back({severity, name, std::move(object), std::move(text), std::move(remedy), std::move(path)});
  }
  void add(Finding finding) { list_.push_back(std::move(finding)); }
  void error(ErrorName name, std::string object, std::string text, std::string remedy = {}, std::string path = {}) {
    add(Severity::error, name, std::move(object), std::move(text), std::move(remedy), std::move(path));
  }
  std::vector<Finding> take() { return std::move(list_); }

 private:
  std::vector<Finding> list_;
};

}  // namespace walgate
