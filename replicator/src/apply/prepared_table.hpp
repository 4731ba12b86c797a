// prepared_table.hpp - one relation version's plan with its prepared statements on the applier's session.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "batch/net_effect.hpp"
#include "catalog/table_plan.hpp"

namespace walgate::apply {

/// A statement and the name under which the session knows it.
struct Prepared {
  std::string name;
  Statement statement;
};

/// How the changes of a table may be written.
enum class Order : std::uint8_t {
  free,      ///< summed up and in sets, in any order against other tables
  in_order,  ///< one by one, in any order against other tables
  barrier,   ///< one by one, after everything before them and before everything after them
};

struct PreparedTable;

/// What holds for a target table whichever version of a relation writes to it.
struct TableState {
  PreparedTable* pending = nullptr;     ///< the version whose changes wait to be written
  std::uint64_t in_order_until = 0;     ///< number of the batch up to which its changes are not summed up
  std::uint64_t last_failed_batch = 0;  ///< in which a constraint was in the way
  std::uint64_t penalty = 0;            ///< batches that it was written in order for after that
};

struct PreparedTable {
  PreparedTable(TablePlan planned, Order ordered, TableState& its_state);

  void forget_statements() noexcept;

  TablePlan plan;
  Order order = Order::barrier;
  TableState* state;
  std::size_t rank = 0;  ///< parents along foreign keys have lower ranks than their children

  std::optional<Prepared> insert;
  std::optional<Prepared> remove;
  std::optional<Prepared> update;  ///< the common one: nothing unchanged, key unchanged
  /// By which planned columns are unchanged, and whether the key changed.
  std::map<std::pair<std::vector<bool>, bool>, Prepared> updates;

  std::map<std::vector<bool>, Prepared> reads;  ///< of the planned columns that are marked, by the key

  // Sets; a nullopt inside says that there is no such statement.
  std::optional<std::optional<Prepared>> insert_set;
  std::optional<std::optional<Prepared>> delete_set;
  std::optional<std::optional<Prepared>> find_set;
  std::map<std::vector<bool>, std::optional<Prepared>> update_sets;  ///< by which columns are unchanged
  std::optional<std::string> copy;                                   ///< the COPY statement
  bool copies_tuples = false;  ///< the stream's tuples are what COPY wants, byte for byte

  NetEffect pending;
};

}  // namespace walgate::apply
