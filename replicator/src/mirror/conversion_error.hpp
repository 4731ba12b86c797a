// conversion_error.hpp - a value that has no form in the record.
#pragma once

#include <stdexcept>

namespace walgate::mirror {

/// Says why, and what helps, never the value.  Whoever knows the column adds its name.
class ConversionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace walgate::mirror
