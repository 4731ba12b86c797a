// config.hpp - one pipeline's configuration, checked and with defaults filled in.
//
// schema.cpp holds the table of keys (JSON path, type, default, text) from which a file is validated and the
// reference and the JSON Schema are printed; nothing else knows a key's name.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
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

/// Form of the mirror's records.
enum class KafkaFormat { debezium, flat };
/// What the mirror does when it holds more WAL than max_lag_bytes: keeps on holding it, or leaves a gap and says so.
enum class AtMaxLag { hold, gap };
/// What becomes of a record that is larger than the brokers take.
enum class Oversize { stop, pointer };

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
    std::string conninfo;  ///< empty: by libpq's environment and defaults
    bool is_given = true;  ///< false: Kafka is the only sink; conninfo is empty then
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
  struct Kafka {
    std::map<std::string, std::string, std::less<>> properties;  ///< librdkafka's, secrets resolved; empty: no mirror
    std::string topic = "{pipeline}.{schema}.{table}";           ///< pattern
    std::uint64_t partitions = 1;                                ///< of a topic that the mirror makes
    std::optional<std::uint64_t> replication_factor;             ///< of such a topic; none: min(3, brokers)
    std::map<std::string, std::string> topic_settings;           ///< cleanup.policy, retention.ms …
    KafkaFormat format = KafkaFormat::debezium;
    bool schemas = false;                           ///< records carry their schema
    bool tombstones = true;                         ///< a null record follows a delete
    bool transactions = true;                       ///< the topic with BEGIN and END of each transaction
    std::string decimal_handling_mode = "precise";  ///< as mirror/value_modes.hpp reads it, and the next three
    std::string time_precision_mode = "adaptive";
    std::string binary_handling_mode = "bytes";
    std::string interval_handling_mode = "numeric";
    std::uint64_t money_fraction_digits = 2;
    std::string unavailable_value_placeholder = "__debezium_unavailable_value";
    bool exactly_once = true;                         ///< records are written in Kafka transactions
    bool copy = true;                                 ///< rows that exist are sent with op r first
    std::uint64_t queue_bytes = 64U << 20U;           ///< applied on the target and not yet sent, at most
    std::chrono::milliseconds catch_up_time{120000};  ///< of a mirror that is behind a target
    std::chrono::milliseconds commit_interval{5};     ///< from one Kafka transaction's end to the next one's, at least
    std::uint64_t transaction_rows = 50000;           ///< a Kafka transaction ends here; source transactions stay whole
    std::uint64_t transaction_bytes = 16U << 20U;     ///< the same, in bytes of the stream
    std::uint64_t max_lag_bytes = 0;                  ///< WAL that the mirror's own slot may hold; 0: no limit
    AtMaxLag at_max_lag = AtMaxLag::hold;
    Oversize oversize = Oversize::stop;
    [[nodiscard]] bool is_on() const noexcept { return !properties.empty(); }
  } kafka;
  struct Http {
    std::string host;  ///< empty: no listener
    std::uint16_t port = 0;
  } http;
  struct Limits {
    std::uint64_t batch_rows;
    std::uint64_t batch_bytes;
    std::uint64_t queue_bytes;
  } limits;

  /// False: the Kafka mirror is the only sink.
  [[nodiscard]] bool has_target() const noexcept { return target.is_given; }
};

}  // namespace walgate
