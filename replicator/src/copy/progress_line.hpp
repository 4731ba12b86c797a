// progress_line.hpp - the copy's progress on a terminal: one line that is drawn again and again.
#pragma once

#include <cstdint>
#include <string_view>

namespace walgate::copy {

class ProgressLine {
 public:
  ProgressLine();
  /// Takes the line away.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Is standard error a terminal?
  [[nodiscard]] bool is_shown() const noexcept { return shown_; }
  /// `rows`, `estimated`: for the bar.  Nothing where there is no terminal.
  void show(std::uint64_t rows, std::uint64_t estimated, std::string_view text) const;

 private:
  bool shown_;
};

}  // namespace walgate::copy
