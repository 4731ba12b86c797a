// config.hpp - one pipeline's configuration, checked and with defaults filled in.
//
// schema.cpp holds the table of keys (JSON path, type, default, text) from which a file is validated and the
// reference and the JSON Schema are printed; nothing else knows a key's name.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/table_rule.hpp"

namespace walgate {

enum class ReplicaRole { automatic, never };
/// Which changes of the source are wanted: all, or only those that no replication has brought there.
enum class Origin { any, none };
/// What happens to rows that a target table holds before its initial copy.
enum class ExistingRows { refuse, keep, truncate };
/// What the service does where the source announces a migration: applies the file itself, or waits for a person.
enum class AtAnnouncement { apply, wait };

/// What happens when a table joins the publications of a pipeline that has run before.
enum class OnNewTable { gate, ignore };

struct Config {
  std::string pipeline;
  OnNewTable on_new_table = OnNewTable::gate;
  struct Source {
    std::string conninfo;
    std::string slot;                       ///< default: the pipeline's name
    std::vector<std::string> publications;  ///< default: the pipeline's name
    Origin origin = Origin::any;
    std::uint64_t decoding_work_mem_bytes;  ///< logical_decoding_work_mem of our walsender
  } source;
  struct Target {
    std::string conninfo;
    ReplicaRole replica_role = ReplicaRole::automatic;
  } target;
  std::vector<TableRule> tables;
  struct Copy {
    bool enabled = true;
    ExistingRows existing_rows = ExistingRows::refuse;
    std::uint64_t workers = 2;
    std::uint64_t rows_per_second = 0;             ///< 0: no limit
    std::chrono::milliseconds max_snapshot_age{};  ///< 0: no limit
  } copy;
  struct Migrations {
    std::string directory;                ///< not relative to the configuration file any more; empty: none
    std::optional<std::string> conninfo;  ///< of a role that may change the target's tables; none: that of the target
    AtAnnouncement at_announcement = AtAnnouncement::wait;
    std::chrono::milliseconds lock_timeout{};  ///< of one attempt
  } migrations;
  struct Http {
    std::string host;  ///< empty: no listener
    std::uint16_t port = 0;
  } http;
  struct Limits {
    std::uint64_t batch_rows;
    std::uint64_t batch_bytes;
    std::uint64_t queue_bytes;
  } limits;
};

}  // namespace walgate
