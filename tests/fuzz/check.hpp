// check.hpp - what must hold, whatever the input is.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace walgate::fuzz {

/// Ends the run, with the input kept, when `holds` is false.
inline void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace walgate::fuzz
