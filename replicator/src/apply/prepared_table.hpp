// prepared_table.hpp - one relation version's plan with its prepared statements on the applier's session.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catalog/table_plan.hpp"

namespace walgate::apply {

/// A statement and the name under which the session knows it.
struct Prepared {
  std::string name;
  Statement statement;
};

struct PreparedTable {
  TablePlan plan;
  std::optional<Prepared> insert;
  std::optional<Prepared> remove;
  std::optional<Prepared> update;  ///< the common one: nothing unchanged, key unchanged
  /// By which planned columns are unchanged, and whether the key changed.
  std::map<std::pair<std::vector<bool>, bool>, Prepared> updates;
};

}  // namespace walgate::apply
