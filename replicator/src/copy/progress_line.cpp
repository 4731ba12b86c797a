#include "copy/progress_line.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace walgate::copy {

namespace {

constexpr std::size_t bar_width = 20;

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

ProgressLine::ProgressLine() : shown_{isatty(STDERR_FILENO) == 1} {}

ProgressLine::~ProgressLine() {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
}

void ProgressLine::show(std::uint64_t rows, std::uint64_t estimated, std::string_view text) const {
  if (!shown_) return;
  const auto full = estimated == 0 ? 0 : std::min<std::uint64_t>(bar_width, rows * bar_width / estimated);
  std::string bar;
  for (std::size_t i = 0; i < bar_width; ++i) bar += i < full ? "█" : "░";
  // The cursor goes back to the front, where the next line of the log overwrites the bar.
  const auto room = terminal_width() - std::min(terminal_width(), bar_width + 2);
  fmt::print(stderr, "\r\x1b[K{} {}\r", bar, text.substr(0, room));
  std::fflush(stderr);
}

}  // namespace walgate::copy
