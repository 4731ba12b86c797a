// table_rule.hpp - one entry of the configuration's `tables`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/identifier.hpp"

namespace walgate {

enum class OnMissing { stop, skip };
enum class OnDuplicate { stop, skip, overwrite };
/// What only one side has.
enum class OnColumn { gate, ignore };

/// One entry of `tables`: which source tables it is for and how they look on the target.
struct TableRule {
  std::string path;  ///< "tables[2]", for messages
  NamePattern source;
  std::optional<NamePattern> target;                          ///< nullopt: leave these tables out
  std::map<std::string, std::optional<std::string>> columns;  ///< source name → target name, nullopt: left out
  std::map<std::string, std::string> cast;                    ///< target column → SQL type
  OnMissing on_missing = OnMissing::stop;
  OnDuplicate on_duplicate = OnDuplicate::stop;
  OnColumn on_extra_column = OnColumn::gate;
  OnColumn on_dropped_column = OnColumn::gate;
  std::optional<std::string> topic = "";  ///< on Kafka; empty: by kafka.topic; nullopt: not mirrored
  std::vector<std::string> key;           ///< source columns of the records' key, in order; empty: the replica identity
  std::uint64_t partitions = 0;           ///< of a topic that the mirror makes; 0: kafka.partitions
};

}  // namespace walgate
