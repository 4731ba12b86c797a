// names.cpp - the table of names.  docs/errors.md repeats it for readers; a test compares the two.

#include "errors/names.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace walgate {
namespace {

using enum ErrorName;

constexpr auto entries = std::to_array<NameEntry>({
    // configuration and command line
    {configuration_invalid, "configuration_invalid", "The configuration cannot be read or has mistakes.",
     "Correct the places that are listed; `walgate config reference` describes every key."},
    {listen_failed, "listen_failed", "The status listener could not take its address.",
     "Set http.listen to a free address, or to null for no listener."},

    // reaching the servers
    {connection_failed, "connection_failed", "A session with a server could not be opened.",
     "Check host, port and TLS settings of the conninfo, and that the server runs."},
    {connection_lost, "connection_lost", "A session with a server broke.",
     "The service connects again by itself; look into the server's log if it keeps happening."},
    {authentication_failed, "authentication_failed",
     "The server refused the role, its password or the host it came from.",
     "Check user and password of the conninfo, the passfile, and the server's pg_hba.conf."},
    {database_missing, "database_missing", "The database that the conninfo names does not exist.",
     "Correct dbname in the conninfo."},
    {source_role_not_allowed, "source_role_not_allowed", "The role lacks a right that it needs on the source.",
     "Give the role REPLICATION (ALTER ROLE ... REPLICATION), CONNECT on the database and USAGE on schema walgate."},
    {target_role_not_allowed, "target_role_not_allowed", "The role lacks a right that it needs on the target.",
     "Grant the role what is listed: rights on the mapped tables and their schemas, and on schema walgate."},

    // source: server, slot and publication
    {wal_level_not_logical, "wal_level_not_logical",
     "The source does not write enough into its WAL for logical decoding.",
     "Run ALTER SYSTEM SET wal_level = 'logical' on the source and restart it."},
    {plugin_not_listed, "plugin_not_listed",
     "The source refuses the output plugin because output_plugin_libraries does not list it.",
     "Add walgate to output_plugin_libraries with ALTER SYSTEM on the source, then run SELECT pg_reload_conf()."},
    {plugin_missing, "plugin_missing", "The output plugin is not installed on the source, or cannot be loaded there.",
     "Install the extension's files on the source server, then run CREATE EXTENSION walgate in its database."},
    {slot_missing, "slot_missing", "The replication slot does not exist on the source.",
     "Create it with SELECT walgate.create_slot('NAME'); if changes have been applied through the old one, the target "
     "must be filled again."},
    {slot_recreated, "slot_recreated",
     "The slot was dropped and created again, so that changes between the two are not in the stream.",
     "Fill the target again: run `walgate remove --keep-slot`, bring the tables to the slot's starting point, then "
     "`walgate init`."},
    {slot_advanced, "slot_advanced",
     "Something else moved the slot beyond the position of the target, so that changes are missing.",
     "Find what else reads or advances the slot, then fill the target again with a new slot."},
    {slot_in_use, "slot_in_use", "Another process streams from the slot.",
     "Stop the other reader (pg_replication_slots.active_pid names it), or give each pipeline a slot of its own."},
    {slot_invalidated, "slot_invalidated", "The source has removed WAL that the slot still needed.",
     "Drop the slot, create it again and fill the target again; raise max_slot_wal_keep_size on the source."},
    {slot_of_other_plugin, "slot_of_other_plugin", "The slot belongs to another output plugin.",
     "Name a slot that walgate.create_slot has made in source.slot."},
    {slot_of_other_database, "slot_of_other_database", "The slot belongs to another database of the source server.",
     "Name a slot of the database in source.conninfo, or correct that database."},
    {publication_missing, "publication_missing", "A publication does not exist in the source database.",
     "Create it with CREATE PUBLICATION, or correct source.publications."},
    {table_joined_publication, "table_joined_publication", "A table joined the publications, or came back to them.",
     "With copy.enabled it is copied, and a table that came back is emptied before; otherwise, and where "
     "copy.existing_rows is \"keep\", its changes are applied from here on: `walgate copy --table` brings the rest."},
    {table_left_publication, "table_left_publication",
     "A table was dropped, renamed, taken out of the publications or left out by the configuration.",
     "Its rows stay on the target and follow no more; put it back into a publication, or drop the target table and"
     " run `walgate accept --table`."},
    {table_recreated, "table_recreated",
     "Another table of the source has taken over a name, by DROP and CREATE or by renaming; the target holds rows "
     "of the old one.",
     "Empty the target's table, or make it equal to the source's as of the standing error, then run `walgate "
     "accept --table` and start the service."},
    {table_renamed, "table_renamed", "A table of the source has got another name.",
     "Rename the target's table by a migration, or map the new name to the table that holds the rows."},
    {table_rewritten, "table_rewritten",
     "The source has rewritten a table by ALTER TABLE, and the stream does not hold what that put into its rows.",
     "Run `walgate copy --table`; or give the target's rows the same values by a migration, then run `walgate accept "
     "--table`."},
    {column_renamed, "column_renamed",
     "A column of the source has another name, or vanished when another one appeared.",
     "Do the same to the target's column by a migration, or map the new name to the old one in columns."},
    {column_dropped, "column_dropped",
     "The source has dropped a column, or publishes it no more, and the target still has it.",
     "Drop the column by a migration, or set on_dropped_column to \"ignore\" for the table."},
    {column_recreated, "column_recreated",
     "The source has dropped a column and added it again; the target's column holds the old values.",
     "Drop the target's column and add it again by a migration, or run `walgate copy --table`."},
    {column_altered, "column_altered",
     "The source has changed the type of a column that the target followed, and the target has not.",
     "Change the type of the target's column by a migration that gives rows that exist the same values."},
    {table_selection_changed, "table_selection_changed",
     "What the publications let through of a table has changed: its columns, rows or operations, or it was out of "
     "them for a moment.",
     "Compare the table on both sides: what was kept back meanwhile is not on the target and does not come later."},
    {partition_joined, "partition_joined",
     "A partition was created in or attached to a table that is published under its root's name.",
     "Bring the rows that it held when it was attached to the target's table by hand; one that was created empty "
     "needs nothing."},
    {partition_left, "partition_left",
     "A partition was dropped or detached from a table that is published under its root's name.",
     "Its rows are still in the target's table: delete them there if they shall go."},
    {other_source_system, "other_source_system",
     "The source is another cluster than the one the pipeline was registered with.",
     "Correct source.conninfo; for a deliberate change of servers fill the target again under a new pipeline."},
    {source_restored, "source_restored",
     "The source has gone back to an older state, so that it uses WAL positions again that the target has passed.",
     "Fill the target again from the restored source, under a new slot."},

    // target: our own tables
    {not_initialised, "not_initialised", "The target does not know the pipeline yet.", "Run `walgate init`."},
    {pipeline_exists_elsewhere, "pipeline_exists_elsewhere",
     "A pipeline of this name is registered with another source, slot or database.",
     "Choose another name in pipeline, or remove the old pipeline with `walgate remove`."},
    {pipeline_in_use, "pipeline_in_use", "Another service has taken over the pipeline.",
     "Run one service per pipeline: find the other one and stop one of the two."},
    {pipeline_running, "pipeline_running", "The command needs the service to be stopped, and it runs.",
     "Stop the service, then run the command again."},
    {other_target_system, "other_target_system",
     "The target is another cluster or database than the one the pipeline was registered in, perhaps a copy of it.",
     "Correct target.conninfo; a copy of a target needs a pipeline and a slot of its own."},
    {target_restored, "target_restored",
     "The target has gone back to an older state than the slot, so that changes in between cannot be streamed again.",
     "Fill the target again with a new slot, or restore it to a state at or after the slot's position."},
    {position_moved, "position_moved", "The position on the target is not the one this service left there.",
     "Find what else writes to the tables of schema walgate; run one service per pipeline."},
    {commit_unknown, "commit_unknown",
     "The target's answer to a COMMIT was lost, and the position fits neither outcome.",
     "Find what else moved the position; if the target was restored, fill it again."},
    {rights_changed, "rights_changed",
     "The role may or may not use session_replication_role on the target, unlike when the pipeline was registered.",
     "Restore the right, or register the pipeline again once you know whether triggers and constraints shall act."},

    // mapping
    {source_table_missing, "source_table_missing", "A rule names a table that the publications do not contain.",
     "Correct the rule's source, or add the table to the publication."},
    {target_table_missing, "target_table_missing", "A published table has no counterpart on the target.",
     "Create the table on the target, or map it elsewhere or to null in tables."},
    {source_column_missing, "source_column_missing", "A rule names a column that the source table does not publish.",
     "Correct the name in columns, or publish the column."},
    {target_column_missing, "target_column_missing", "A published column has no counterpart on the target.",
     "Add the column on the target, or rename it or leave it out (null) in columns."},
    {two_sources_one_target, "two_sources_one_target", "Two source tables are mapped to one target table.",
     "Map each source table to a table of its own, or leave one out with \"target\": null."},
    {incompatible_type, "incompatible_type",
     "A column's type on the target cannot take the values of the source's type.",
     "Change the type on the target, or name a conversion in cast."},
    {enum_label_missing, "enum_label_missing",
     "The target's enum lacks labels that the source's has, and a row with one of them cannot be applied.",
     "Add the labels by a migration: ALTER TYPE ... ADD VALUE."},
    {encoding_narrower, "encoding_narrower", "The target's database cannot hold every character of the source's.",
     "Use a target database with encoding UTF8 or that of the source."},
    {key_missing_on_target, "key_missing_on_target",
     "The target has no usable unique key over the columns by which the source identifies rows.",
     "Create a unique index over these columns on the target; it must not be deferrable, partial or an expression."},
    {required_column_unfilled, "required_column_unfilled",
     "A column of the target is NOT NULL without a default, and no source column fills it.",
     "Give the column a default, drop its NOT NULL, or map a source column to it."},
    {type_differs, "type_differs",
     "A column's type on the target takes the source's values, but not all of them or not as they are.",
     "Give the column a type that holds every value of the source, or name a conversion in cast if this one is "
     "wanted."},
    {not_null_only_on_target, "not_null_only_on_target",
     "A column is NOT NULL on the target and not on the source, and a row without a value stops the stream.",
     "Drop NOT NULL on the target, or set it on the source."},
    {default_differs, "default_differs",
     "A column's default differs between the sides; rows that were there when a column was added with a default get no "
     "change in the stream.",
     "Give a column that is added the same default on both sides; see that older rows hold the same value."},
    {generated_column_differs, "generated_column_differs",
     "A column that the source computes is not computed on the target, or by another expression.",
     "Give the target's column the same expression, or publish the column."},
    {column_only_on_target, "column_only_on_target", "A column of the target is filled by nothing and stays null.",
     "Nothing if it is meant so; else map a source column to it, or drop it by a migration."},
    {unique_only_on_target, "unique_only_on_target",
     "A unique key of the target is not guaranteed by the source, and rows that collide in it stop the stream.",
     "Drop it on the target, or make the same unique on the source."},
    {constraint_only_on_target, "constraint_only_on_target",
     "A constraint of the target has no counterpart on the source, and a row that violates it stops the stream.",
     "Nothing if every row of the source satisfies it; else drop it on the target, or add it to the source."},
    {foreign_key_without_index, "foreign_key_without_index",
     "A foreign key of the target has no index over its columns, so that changes of the table it refers to read the "
     "whole table.",
     "Create the index on the target, by a migration."},
    {apply_key_without_index, "apply_key_without_index",
     "Rows of a table with replica identity FULL are found by reading the whole target table.",
     "Give both sides a primary key over columns that are streamed."},
    {target_table_published, "target_table_published",
     "A target table is itself part of the source's publications, so that every change would come back.",
     "Take the table out of the publication."},
    {not_deferrable, "not_deferrable",
     "A foreign key of the target is checked at once, which the order of a source's transaction may violate.",
     "Make the constraint DEFERRABLE, or let the role use session_replication_role."},
    {replica_role_switches_off, "replica_role_switches_off",
     "The replica role keeps triggers or foreign keys of the target from acting.",
     "Make a trigger that shall fire ENABLE ALWAYS or ENABLE REPLICA, or set target.replica_role to \"never\"."},
    {waits_for_itself, "waits_for_itself",
     "Source and target are one cluster that waits for walgate as a synchronous standby, so that its own commits would "
     "wait for themselves.",
     "Take walgate's application_name out of synchronous_standby_names, or use a target in another cluster."},
    {origin_not_marked, "origin_not_marked",
     "The role may not mark its commits with a replication origin, so a pipeline in the other direction would send "
     "them back.",
     "Grant EXECUTE on pg_replication_origin_create(text), pg_replication_origin_oid(text) and "
     "pg_replication_origin_session_setup(text) to the role on the target."},
    {idle_slot_timeout, "idle_slot_timeout", "The source invalidates slots that are not in use for some time.",
     "Raise idle_replication_slot_timeout on the source above the longest time the service may be down."},
    {unlimited_wal_retention, "unlimited_wal_retention",
     "The source keeps WAL for the slot without limit, so that its disk may fill while the service is down.",
     "Set max_slot_wal_keep_size on the source to what its disk can spare."},
    {identity_missing, "identity_missing",
     "A published table has no replica identity, so that its updates and deletes fail or cannot be located.",
     "Give the table a primary key, or run ALTER TABLE ... REPLICA IDENTITY USING INDEX or FULL on the source."},
    {generated_identity_unpublished, "generated_identity_unpublished",
     "The replica identity of a published table holds generated columns that are not published, and the server refuses "
     "its "
     "updates and deletes.",
     "ALTER PUBLICATION ... SET (publish_generated_columns = stored), or give the table another replica identity."},
    {source_in_recovery, "source_in_recovery", "The source is a standby, from which this version does not stream.",
     "Give the primary's address in source.conninfo."},
    {no_free_slot, "no_free_slot", "The source has no free replication slot.",
     "Raise max_replication_slots on the source and restart it, or drop a slot that nobody needs."},
    {no_free_walsender, "no_free_walsender", "The source has no free walsender.",
     "Raise max_wal_senders on the source and restart it."},
    {setting_not_visible, "setting_not_visible", "A setting of the source cannot be seen by this role.",
     "Grant pg_read_all_settings to the role, or run the check as a superuser."},
    {publication_empty, "publication_empty", "A publication holds no table.",
     "ALTER PUBLICATION ... ADD TABLE on the source."},
    {table_not_logged, "table_not_logged",
     "A published table or partition is unlogged or foreign, so that its changes are not in the WAL.",
     "ALTER TABLE ... SET LOGGED on the source, or take it out of the publication."},
    {type_not_portable, "type_not_portable", "No other server can read the values of a published column as they are.",
     "Leave the column out, by a column list of the publication or by null in columns, or change its type."},
    {row_filter_without_values, "row_filter_without_values",
     "An update that leads a row into a row filter needs values that did not change, and the WAL leaves out TOASTed "
     "ones.",
     "Set REPLICA IDENTITY FULL for the source table; copy a row that the stream stops at to the target by hand, or "
     "skip "
     "its transaction."},
    {copy_not_allowed, "copy_not_allowed", "The role may stream but not read the tables.",
     "GRANT SELECT on the published tables as a whole, because the copy locks them, or set copy.enabled to false."},

    {target_not_empty, "target_not_empty", "A target table holds rows before its initial copy.",
     "Empty it, or set copy.existing_rows to \"keep\" (copy beside them) or \"truncate\"; copy.enabled false only "
     "streams."},
    {foreign_keys_in_cycle, "foreign_keys_in_cycle",
     "Tables of the target refer to each other by foreign keys that are checked at once, so that neither can be filled "
     "first.",
     "Make one of the keys DEFERRABLE, create it after the copy, or let the role use session_replication_role."},
    {copy_snapshot_too_old, "copy_snapshot_too_old",
     "The snapshot of the initial copy has got older than copy.max_snapshot_age allows.",
     "Start the service again, which goes on with what is missing; use more copy.workers, or allow a higher age."},

    {copy_while_awaited, "copy_while_awaited",
     "The source waits for walgate as a synchronous standby before it ends transactions, and the initial copy waits "
     "for "
     "them.",
     "Take walgate's application_name out of synchronous_standby_names until the copy is done."},

    // stream
    {protocol_version, "protocol_version",
     "The output plugin and the service speak different versions of the protocol.",
     "Install the same release of the extension and the service; the message names both versions."},
    {protocol_violation, "protocol_violation", "The stream holds something that the protocol does not allow.",
     "Install the same release of the extension and the service; if it persists, report it with the message and the "
     "position."},
    {change_not_identified, "change_not_identified",
     "The source sent an update or a delete without anything that identifies its row.",
     "Give the source table a replica identity; skip the transaction once the target has been mended by hand."},
    {partition_truncated, "partition_truncated",
     "The source truncated partitions that are published under the name of their partitioned table, and the stream "
     "does "
     "not say which rows are gone.",
     "Bring everything that the transaction did to the target by hand, then skip it; a publication without truncate "
     "does "
     "not send such a command."},
    {relation_does_not_fit, "relation_does_not_fit",
     "A table on the source has changed and its target does not fit it any more.",
     "Change the target table as the message says, then start the service again."},

    // applying
    {row_missing, "row_missing", "An update or a delete found no row on the target.",
     "Find what else writes to the target table; mend the row, or set on_missing to \"skip\" for the table."},
    {row_ambiguous, "row_ambiguous", "An update or a delete found more than one row on the target.",
     "Remove the duplicate rows, and create the unique key that the source has."},
    {unique_violation_on_target, "unique_violation_on_target",
     "A row of the source collides with another row on the target.",
     "Find what else writes to the target table; remove the other row, or set on_duplicate for the table."},
    {foreign_key_violation_on_target, "foreign_key_violation_on_target",
     "A row of the source violates a foreign key of the target.",
     "Bring the referenced table into the pipeline, make the constraint DEFERRABLE, or let the role use "
     "session_replication_role."},
    {constraint_violation_on_target, "constraint_violation_on_target",
     "A row of the source violates a NOT NULL, CHECK or exclusion constraint of the target.",
     "Change the constraint, or the data on the source."},
    {value_not_accepted, "value_not_accepted",
     "The target's column type, or the encoding of its database, does not accept a value of the source.",
     "Change the column's type on the target so that it takes every value of the source."},
    {statement_refused, "statement_refused",
     "A server refused a statement: an object or a right is missing or has changed.",
     "Restore what the message names, then start the service again."},
    {lock_not_available, "lock_not_available", "A lock could not be had in time.",
     "Look for long transactions and locks in pg_locks; the service tries again by itself."},
    {serialization_failure, "serialization_failure",
     "The target rolled the transaction back because of others that ran beside it.",
     "Nothing: the service tries again by itself; if it keeps happening, look for writers beside it on the target."},
    {server_out_of_resources, "server_out_of_resources", "A server lacks disk, memory or connections.",
     "Free the resource that the message names; the service tries again by itself."},
    {server_shutting_down, "server_shutting_down", "A server starts, stops or has ended the session.",
     "Nothing if it was intended: the service connects again by itself."},
    {statement_cancelled, "statement_cancelled",
     "A statement of ours was cancelled, by a person or by a time-out of the server.",
     "The service tries again by itself; look into the server's log for who cancels it."},
    {target_stalled, "target_stalled", "The target has answered nothing for half a minute, so the source was let go.",
     "The service tries again by itself; look at pg_stat_activity of the target for what our session waits for."},
    {target_error, "target_error", "The target reported an error that has no name of its own.",
     "Look at the SQLSTATE and the message, and into the target's log."},
    {source_error, "source_error", "The source reported an error that has no name of its own.",
     "Look at the SQLSTATE and the message, and into the source's log."},

    // migrations
    {migration_file_invalid, "migration_file_invalid", "A migration file, or its name, is not one that walgate runs.",
     "Correct the file at the place that is named; docs/operation.md tells what a migration file may hold."},
    {migration_changed, "migration_changed", "A migration file is not what it was when it was applied.",
     "Put the file back as it was, and write what is to change into a new migration with a higher number."},
    {migration_missing, "migration_missing", "A migration has no file in migrations.directory.",
     "Put the file back, correct migrations.directory, or name a migration that there is."},
    {migration_out_of_order, "migration_out_of_order",
     "A migration that has not been applied has a lower number than one that has.",
     "Give the file a number above all that are applied."},
    {migration_failed, "migration_failed", "The target refused a statement of a migration file.",
     "Correct the file, then run `walgate migrate up` again; of a file that runs in a transaction nothing was kept."},
    {migration_announced, "migration_announced",
     "The source has announced a migration that is not applied on the target, and the stream waits for it.",
     "Run `walgate migrate up`; of a name that has no file put the file into migrations.directory, or leave the "
     "transaction out with `walgate skip --lsn`."},
    {migration_ended_transaction, "migration_ended_transaction",
     "A migration file ended the transaction in which walgate ran it.",
     "Look what of the file is on the target and undo it by hand; take what ends a transaction out of the file."},
    {migration_unfinished, "migration_unfinished",
     "A migration that runs outside of a transaction was cut off, and whether it did its work is not known.",
     "Look whether its work is done; docs/operation.md shows how to say so to the ledger."},
    {index_invalid, "index_invalid", "An index is invalid: building it concurrently failed or was cut off.",
     "Run DROP INDEX CONCURRENTLY for it, then `walgate migrate up` again."},
    {draft_not_written, "draft_not_written", "The draft of a migration could not be written.",
     "Let migrations.directory be writable and have a free number below 9999, or use `walgate migrate draft "
     "--stdout`."},

    // Kafka mirror
    {column_not_mirrored, "column_not_mirrored",
     "A column has a type that the records of the Kafka mirror have no form for.",
     "Leave the column out of the publication with a column list, or change its type on the source."},
    {value_not_mirrored, "value_not_mirrored", "A value has no form in the records of the Kafka mirror.",
     "The message says which mode of the format can write it; or change the value on the source and send the table "
     "again with `walgate mirror republish`; or leave the transaction out of Kafka with `walgate skip --lsn`."},
    {mirror_key_unknown, "mirror_key_unknown",
     "A key column of a topic is not part of the table's replica identity, so that updates and deletes would not tell "
     "its "
     "old value.",
     "Give the source table REPLICA IDENTITY FULL, or an identity that has the column, or choose another key."},
    {kafka_unavailable, "kafka_unavailable",
     "The Kafka cluster does not answer, or not in time. The mirror tries again for ever; the target goes on.",
     "Look at the brokers, at the network between, and at kafka.properties."},
    {kafka_refused, "kafka_refused",
     "The Kafka cluster refuses the mirror: its password, its certificate, or what it may do.",
     "Correct kafka.properties, or grant what the message names: READ, WRITE, CREATE, DESCRIBE and "
     "DESCRIBE_CONFIGS on topics with the pipeline's prefix, WRITE and DESCRIBE on its transactional id."},
    {mirror_fenced, "mirror_fenced",
     "Another producer has taken the mirror's transactional id: a second service with a pipeline of the same name.",
     "Stop the other service, or give one of the pipelines another name; then restart this one."},
    {mirror_topic_unfit, "mirror_topic_unfit",
     "A topic that exists, or that is wanted, would break what the mirror promises.",
     "Compare what `walgate mirror check` says is wanted with what there is."},
    {mirror_progress_lost, "mirror_progress_lost",
     "The mirror's position is not where it was: the progress topic was emptied or restored, or this is another Kafka "
     "cluster.",
     "Go back to the cluster of before; or begin anew there with `walgate mirror republish --all`."},
    {mirror_gap, "mirror_gap", "The source does not hold the changes any more that the topics lack.",
     "Build the topics again from the tables with `walgate mirror republish --all`."},
    {record_too_large, "record_too_large", "A record is larger than Kafka takes.",
     "Raise message.max.bytes in kafka.properties and max.message.bytes of the topic; or set kafka.oversize to "
     "\"pointer\"."},
    {mirror_configured, "mirror_configured", "Changes are mirrored into a Kafka cluster.",
     "Nothing: it says which cluster, and how many topics."},
    {mirror_not_caught_up, "mirror_not_caught_up",
     "The mirror did not come, in time, to the position up to which it was to be compared.",
     "Look at mirror in `walgate status`: start the service, wait until the mirror has caught up, or give the command "
     "more --timeout."},
    {mirror_table_without_key, "mirror_table_without_key",
     "Records of a table have no key: its topic cannot be compacted, and all of them go into one partition.",
     "Give the source table a primary key, or name key columns in tables[].key with REPLICA IDENTITY FULL; nothing if "
     "every change is wanted for good."},
    {topic_name_taken, "topic_name_taken",
     "A table cannot have the topic that it would get: its name is not one, or something else has it.",
     "Give the table a topic of another name in tables[].topic."},
    {topic_shared_unlike, "topic_shared_unlike", "Tables that share a topic ask for different things of it.",
     "Give them the same number of partitions; keep tables with a key and tables without apart, by tables[].topic."},
    {topic_missing, "topic_missing", "A topic does not exist yet; the mirror makes it when its first record comes.",
     "Nothing; or make it beforehand with the partitions, replicas and settings that are named."},
    {replication_factor_above_brokers, "replication_factor_above_brokers",
     "More replicas are wanted than the cluster has brokers.", "Lower kafka.replication_factor, or add brokers."},
    {min_insync_above_replication_factor, "min_insync_above_replication_factor",
     "More replicas must be in step than there are to be, so that nothing could be written.",
     "Lower min.insync.replicas in kafka.topic_settings, or raise kafka.replication_factor."},
    {no_broker_may_fail, "no_broker_may_fail",
     "All replicas must be in step, so that the mirror stands still while a broker is away.",
     "Lower min.insync.replicas by one."},
    {progress_topic_partitions, "progress_topic_partitions", "The mirror's progress topic does not have one partition.",
     "Delete the topic while no service has used it, and let the mirror make it."},
    {partition_count_differs, "partition_count_differs",
     "A topic has another number of partitions than is wanted: keys would change their partition, and with it their "
     "order.",
     "Configure the number that the topic has; or name a new topic, and republish the table into it."},
    {replication_factor_differs, "replication_factor_differs", "A topic has another number of replicas than is wanted.",
     "Reassign its partitions with Kafka's own tools."},
    {min_insync_above_replicas, "min_insync_above_replicas",
     "A topic has fewer replicas than must be in step, so that nothing can be written.",
     "Lower its min.insync.replicas, or reassign its partitions."},
    {keyless_topic_compacted, "keyless_topic_compacted",
     "A compacted topic is to hold records without a key, which Kafka refuses there.",
     "Set its cleanup.policy to delete, or give the table a key."},
    {own_topic_not_compacted, "own_topic_not_compacted",
     "A topic that the mirror needs for good would lose its records in time.", "Set its cleanup.policy to compact."},
    {cleanup_policy_differs, "cleanup_policy_differs", "A topic is cleaned up otherwise than is wanted.",
     "Change it with Kafka's own tools, or the configuration."},
    {topic_setting_unknown, "topic_setting_unknown", "Kafka does not know a setting of topics.",
     "Correct kafka.topic_settings."},
    {topic_setting_differs, "topic_setting_differs", "A topic has another value of a setting than is wanted.",
     "Change it with Kafka's own tools, or the configuration."},
    {transactional_id_not_tested, "transactional_id_not_tested",
     "Whether the mirror may use its transactional id was not tried, because trying would shut a running mirror out.",
     "Nothing while the service runs; else run `walgate mirror check` again."},
    {republish_refused, "republish_refused",
     "The table whose topic is to be built again is not published, or the pipeline does not mirror it.",
     "Name a source table that the publications hold and that has a topic, or use --all."},

    // commands
    {skip_refused, "skip_refused", "The transaction to be skipped is not the one that stands in the way.",
     "Give the position that `walgate status` shows as error.lsn, or as mirror.error.lsn where the mirror alone "
     "stands."},
    {accept_refused, "accept_refused", "The table to be accepted has neither been created again nor left.",
     "Name a table that `walgate status` shows as recreated or left."},
    {copy_refused, "copy_refused", "The table is none that the pipeline fills, or cannot be emptied for its copy.",
     "Name a source table that `walgate status` shows; where a checked foreign key refers to its target, drop the key "
     "until "
     "the copy is done."},
    {internal_error, "internal_error", "The service came into a state that it should not be in.",
     "Report it with the message and the log; the target holds only whole transactions."},
});

// The enumeration's order, so that a name's row is found by its number.
constexpr bool in_order() {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (static_cast<std::size_t>(entries[i].name) != i || entries[i].text.empty()) return false;
  }
  return entries.size() == static_cast<std::size_t>(internal_error) + 1;
}
static_assert(in_order());

}  // namespace

std::span<const NameEntry> error_names() noexcept {
  return entries;
}

const NameEntry& entry_of(ErrorName name) noexcept {
  return entries[static_cast<std::size_t>(name)];
}

std::optional<ErrorName> error_name_of(std::string_view text) noexcept {
  const auto found = std::ranges::find(entries, text, &NameEntry::text);
  if (found == entries.end()) return std::nullopt;
  return found->name;
}

}  // namespace walgate
