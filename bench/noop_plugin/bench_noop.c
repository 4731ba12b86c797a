/*
 * bench_noop.c - an output plugin that does nothing: the floor for the cost of decoding.
 *
 * The server reads the WAL, puts transactions together and calls the plugin for each change; nothing is written.
 */
#include "postgres.h"  // before every other header of the server
//
#include "fmgr.h"
#include "replication/logical.h"
#include "replication/output_plugin.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_output_plugin_init(OutputPluginCallbacks* callbacks);

static void startup(LogicalDecodingContext* context, OutputPluginOptions* options, bool is_init) {
  options->output_type = OUTPUT_PLUGIN_BINARY_OUTPUT;
}

static void begin(LogicalDecodingContext* context, ReorderBufferTXN* txn) {}

static void change(LogicalDecodingContext* context, ReorderBufferTXN* txn, Relation relation,
                   ReorderBufferChange* change) {}

static void commit(LogicalDecodingContext* context, ReorderBufferTXN* txn, XLogRecPtr commit_lsn) {}

void _PG_output_plugin_init(OutputPluginCallbacks* callbacks) {
  callbacks->startup_cb = startup;
  callbacks->begin_cb = begin;
  callbacks->change_cb = change;
  callbacks->commit_cb = commit;
}
