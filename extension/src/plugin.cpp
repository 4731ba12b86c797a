// plugin.cpp - what the server looks for in the library: the magic block and the table of callbacks.
//
// No streaming and no two-phase callbacks: changes of a transaction arrive together, after its commit.
#include "session.hpp"

extern "C" {

WALGATE_MODULE_MAGIC;

PGDLLEXPORT void _PG_output_plugin_init(OutputPluginCallbacks* callbacks) {
  callbacks->startup_cb = walgate::on_startup;
  callbacks->begin_cb = walgate::on_begin;
  callbacks->change_cb = walgate::on_change;
  callbacks->truncate_cb = walgate::on_truncate;
  callbacks->message_cb = walgate::on_message;
  callbacks->commit_cb = walgate::on_commit;
}

}  // extern "C"
