// names.hpp - the stable names of every error and finding, with what each means and what helps.
//
// Users script against these names: text, JSON, logs and docs/errors.md use them.  A test holds the
// documented list against this table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace walgate {

enum class ErrorName : std::uint8_t {
  // configuration and command line
  configuration_invalid,
  listen_failed,
  // reaching the servers
  connection_failed,
  connection_lost,
  authentication_failed,
  database_missing,
  source_role_not_allowed,
  target_role_not_allowed,
  // source: server, slot and publication
  wal_level_not_logical,
  plugin_not_listed,
  plugin_missing,
  slot_missing,
  slot_recreated,
  slot_advanced,
  slot_in_use,
  slot_invalidated,
  slot_of_other_plugin,
  slot_of_other_database,
  publication_missing,
  table_joined_publication,
  table_left_publication,
  table_recreated,
  table_renamed,
  table_rewritten,
  column_renamed,
  column_dropped,
  column_recreated,
  column_altered,
  table_selection_changed,
  partition_joined,
  partition_left,
  other_source_system,
  source_restored,
  // target: our own tables
  not_initialised,
  pipeline_exists_elsewhere,
  pipeline_in_use,
  pipeline_running,
  other_target_system,
  target_restored,
  position_moved,
  commit_unknown,
  rights_changed,
  // mapping
  source_table_missing,
  target_table_missing,
  source_column_missing,
  target_column_missing,
  two_sources_one_target,
  incompatible_type,
  enum_label_missing,
  encoding_narrower,
  key_missing_on_target,
  required_column_unfilled,
  type_differs,
  not_null_only_on_target,
  default_differs,
  generated_column_differs,
  column_only_on_target,
  unique_only_on_target,
  constraint_only_on_target,
  foreign_key_without_index,
  apply_key_without_index,
  target_table_published,
  not_deferrable,
  replica_role_switches_off,
  waits_for_itself,
  origin_not_marked,
  idle_slot_timeout,
  unlimited_wal_retention,
  identity_missing,
  generated_identity_unpublished,
  source_in_recovery,
  no_free_slot,
  no_free_walsender,
  setting_not_visible,
  publication_empty,
  table_not_logged,
  type_not_portable,
  row_filter_without_values,
  copy_not_allowed,
  target_not_empty,
  foreign_keys_in_cycle,
  copy_snapshot_too_old,
  copy_while_awaited,
  // stream
  protocol_version,
  protocol_violation,
  change_not_identified,
  partition_truncated,
  relation_does_not_fit,
  // applying
  row_missing,
  row_ambiguous,
  unique_violation_on_target,
  foreign_key_violation_on_target,
  constraint_violation_on_target,
  value_not_accepted,
  statement_refused,
  lock_not_available,
  serialization_failure,
  server_out_of_resources,
  server_shutting_down,
  statement_cancelled,
  target_stalled,
  target_error,
  source_error,
  // migrations
  migration_file_invalid,
  migration_changed,
  migration_missing,
  migration_out_of_order,
  migration_failed,
  migration_announced,
  migration_ended_transaction,
  migration_unfinished,
  index_invalid,
  draft_not_written,
  // Kafka mirror
  column_not_mirrored,
  value_not_mirrored,
  mirror_key_unknown,
  kafka_unavailable,
  kafka_refused,
  mirror_fenced,
  mirror_topic_unfit,
  mirror_progress_lost,
  mirror_gap,
  record_too_large,
  mirror_configured,
  mirror_not_caught_up,
  mirror_table_without_key,
  topic_name_taken,
  topic_shared_unlike,
  topic_missing,
  replication_factor_above_brokers,
  min_insync_above_replication_factor,
  no_broker_may_fail,
  progress_topic_partitions,
  partition_count_differs,
  replication_factor_differs,
  min_insync_above_replicas,
  keyless_topic_compacted,
  own_topic_not_compacted,
  cleanup_policy_differs,
  topic_setting_unknown,
  topic_setting_differs,
  transactional_id_not_tested,
  republish_refused,
  // commands
  skip_refused,
  accept_refused,
  copy_refused,
  internal_error,
};

/// One row of the table.
struct NameEntry {
  ErrorName name;
  std::string_view text;     ///< "slot_recreated"
  std::string_view meaning;  ///< one sentence for docs/errors.md
  std::string_view remedy;   ///< what to do; used when a failure brings no remedy of its own
};

/// All names, in the order of the enumeration.
[[nodiscard]] std::span<const NameEntry> error_names() noexcept;
/// The row of one name.
[[nodiscard]] const NameEntry& entry_of(ErrorName name) noexcept;
[[nodiscard]] inline std::string_view text_of(ErrorName name) noexcept {
  return entry_of(name).text;
}
/// The name that is written so; nullopt for any other text.
[[nodiscard]] std::optional<ErrorName> error_name_of(std::string_view text) noexcept;

}  // namespace walgate
