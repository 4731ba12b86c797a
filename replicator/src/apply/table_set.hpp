// table_set.hpp - finds the plan for each relation version that the stream brings.
//
// The target's catalog is read once for all published tables when a session starts, and again when a relation comes that does not
// fit what was read: somebody may have altered the target meanwhile.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "apply/prepared_table.hpp"
#include "apply/target_catalog.hpp"
#include "config/config.hpp"
#include "postgres/event.hpp"

namespace walgate::apply {

class TableSet {
 public:
  /// `relations`: what the source publishes at start.  `target` is only used here.
  TableSet(const Config& config, std::string encoding, const postgres::Event* stop, postgres::Connection& target,
           const std::vector<wire::Relation>& relations);

  /// The table of this version.  Throws Error relation_does_not_fit with all differences.
  PreparedTable& table(const wire::Relation& relation);
  /// How many tables stand above this one along foreign keys: parents have lower ranks than their children.
  [[nodiscard]] std::size_t rank(const QualifiedName& table) const;

 private:
  void read(postgres::Connection& target, const std::vector<wire::Relation>& relations);
  std::pair<TablePlan, std::vector<Difference>> plan(const wire::Relation& relation) const;

  const Config& config_;
  std::string encoding_;
  const postgres::Event* stop_;
  std::map<QualifiedName, TargetTable> targets_;
  TargetTypes types_;
  std::vector<std::unique_ptr<PreparedTable>> by_serial_;
};

}  // namespace walgate::apply
