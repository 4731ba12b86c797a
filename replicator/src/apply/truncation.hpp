// truncation.hpp - a TRUNCATE of the source on the target.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apply/target_pipeline.hpp"

namespace walgate::apply {

/// One of the tables that a TRUNCATE names.
struct Truncated {
  PreparedTable* table = nullptr;
  std::string partition;  ///< only this one, published under the table's name, was emptied; empty: the whole table
};

/// Sends it for all tables at once, because they may refer to each other.  `flags`: of the change; `ticket` names the
/// transaction.  Throws Error partition_truncated.
void truncate(TargetPipeline& target, Ticket ticket, std::span<const Truncated> tables, std::uint8_t flags,
              bool replica_role);

/// The same by deleting all rows, where tables that refer to these stand in the way of a TRUNCATE.
void clear(TargetPipeline& target, Ticket ticket, std::span<const Truncated> tables);

}  // namespace walgate::apply
