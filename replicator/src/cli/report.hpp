// report.hpp - results and failures of a command, for a person or as JSON.
//
// A person reads failures on standard error; with --json they are an object {"error": …} on standard output.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "config/mistake.hpp"
#include "errors/error.hpp"
#include "service/commands.hpp"

namespace walgate::cli {

/// The configuration cannot be used.
class MistakenConfig : public std::runtime_error {
 public:
  MistakenConfig(std::string file, Mistakes mistakes)
      : std::runtime_error("configuration"), file_{std::move(file)}, mistakes_{std::move(mistakes)} {}
  [[nodiscard]] const std::string& file() const noexcept { return file_; }  ///< empty: none was given
  [[nodiscard]] const Mistakes& mistakes() const noexcept { return mistakes_; }

 private:
  std::string file_;
  Mistakes mistakes_;
};

/// The exit code of a command that failed so.
[[nodiscard]] int exit_code_of(const Failure& failure) noexcept;

/// Each prints, and returns the exit code.
int report_failure(const Context& context, const Failure& failure);
int report_mistakes(const Context& context, const MistakenConfig& mistaken);
int report_findings(const Context& context, const std::vector<service::Finding>& findings);
int report_done(const Context& context, const std::string& pipeline, const std::vector<std::string>& sentences);

/// A warning on standard error.
void warn(const Context& context, const std::string& text);

}  // namespace walgate::cli
