// start_checks.hpp - everything that must hold before a change is applied, as findings.
//
// `check` prints them, `run` stops on the first error before it touches anything.  The position checks rest on one
// invariant: the slot is acknowledged only after the target has stored the position durably, so the slot can never be
// ahead of the target.  Where it is, something was lost, re-created, advanced or restored.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apply/progress.hpp"
#include "compare/table_description.hpp"
#include "service/commands.hpp"
#include "stream/source_session.hpp"
#include "wire/relation.hpp"

namespace walgate::service {

/// Published tables in full.  Nothing depends on them but what `check` tells: who has locked one must not keep the
/// service from starting.
struct SourceDescriptions {
  compare::TableDescriptions tables;
  std::string missing;  ///< why they could not be read; else empty
};

/// What both servers said at the start of a session.
struct Situation {
  stream::SourceIdentity source;
  std::optional<stream::SlotInfo> slot;
  std::vector<std::string> publications;  ///< those of the configuration that exist
  std::vector<wire::Relation> relations;  ///< what they publish
  std::set<std::uint32_t> money_types;    ///< types of their columns that hold money
  SourceDescriptions descriptions;        ///< the same tables as the catalog describes them
  apply::TargetIdentity target;
  bool own_tables = false;  ///< walgate's tables are on the target, at our version
  std::optional<apply::Registration> registration;
  std::optional<apply::Progress> progress;
  bool may_replica_role = false;
  bool may_mark_origin = false;    ///< our commits, on the target
  bool may_create_tables = false;  ///< walgate's own, on the target
  std::string target_lc_monetary;
  std::string target_encoding;  ///< of the database, PostgreSQL's name

  [[nodiscard]] bool same_cluster() const noexcept { return source.system == target.system; }
  [[nodiscard]] bool same_database() const noexcept { return same_cluster() && source.database == target.database; }
};

/// What the source says: where Kafka is the only sink, all that there is.  Throws Error when it cannot answer.
[[nodiscard]] Situation look_at_source(const Config& config, postgres::Connection& replication);

/// Asks both servers.  Throws Error when one cannot answer.
[[nodiscard]] Situation look_around(const Config& config, postgres::Connection& replication,
                                    postgres::Connection& target);

/// Slot, publication and cluster are there and are ours, and no position contradicts another.
[[nodiscard]] std::vector<Finding> check_positions(const Config& config, const Situation& situation);

/// The part of it that asks for no target.
[[nodiscard]] std::vector<Finding> check_source_positions(const Config& config, const Situation& situation);

/// Every published table has its target, and every column fits.  Those that `may_wait` need no target yet.
[[nodiscard]] std::vector<Finding> check_mapping(const Config& config, const Situation& situation,
                                                 const std::set<QualifiedName>& may_wait, postgres::Connection& target);

/// Makes warnings of what a gate can wait for.
void may_wait_at_gate(std::vector<Finding>& findings);

/// What the extension on the source has to say (walgate.check_source).
[[nodiscard]] std::vector<Finding> check_source(const Config& config, postgres::Connection& source);

/// Throws the first finding of severity error as Error; the others become its detail.
void throw_errors(const std::vector<Finding>& findings);

/// Is this pipeline to run with replica role, as far as the configuration and the role's rights say?
[[nodiscard]] bool wants_replica_role(const Config& config, const Situation& situation) noexcept;

}  // namespace walgate::service
