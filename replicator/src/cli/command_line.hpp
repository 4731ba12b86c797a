// command_line.hpp - the command line as a whole.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace walgate::cli {

/// Where a command writes, and whether colours are welcome there.
struct Streams {
  std::ostream& out;
  std::ostream& err;
  bool out_colour = false;
  bool err_colour = false;
};

/// Standard output and error; colour on a terminal unless NO_COLOR is set.
[[nodiscard]] Streams standard_streams();

/// Does what `arguments` (without the program's name) say.  Returns the exit code; throws nothing.
int command_line(std::vector<std::string> arguments, const Streams& streams) noexcept;

}  // namespace walgate::cli
