// sequences.hpp - sets the sequences that target tables own to where those of the source are.
//
// Sequences are not in the stream.  Their values matter when the target begins to write for itself.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "postgres/connection.hpp"

namespace walgate::copy {

struct SequenceReport {
  std::vector<std::string> set;      ///< sentences about what was set
  std::vector<std::string> not_set;  ///< sentences about what could not be, and why
};

/// For the source tables among `tables`.  A sequence that is further than the source's stays.
SequenceReport sync_sequences(const Config& config, postgres::Connection& source, postgres::Connection& target,
                              const std::vector<QualifiedName>& tables);

}  // namespace walgate::copy
