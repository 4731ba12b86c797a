// commands.hpp - what the command line can ask of a pipeline.
//
// Each call opens its own sessions and closes them.  All throw Error.
#pragma once

#include <string>
#include <vector>

#include "catalog/identifier.hpp"
#include "config/config.hpp"
#include "errors/error.hpp"
#include "errors/finding.hpp"
#include "observe/status.hpp"

namespace walgate::service {

using walgate::Finding;
using walgate::Severity;

/// Creates walgate's own tables on the target and registers the pipeline.  Harmless twice.
/// Returns sentences about what was done, for a person.
std::vector<std::string> init(const Config& config);

/// Every start-up check, all findings at once; changes nothing.
std::vector<Finding> check(const Config& config);

/// `init` if needed, `check`, stream until SIGTERM, SIGINT or a permanent error.  Returns the exit code.
/// The caller's thread; blocks those signals.
int run(const Config& config, StatusBoard& board);

/// From both databases, when no service answers.
Status offline_status(const Config& config);

/// Forgets the pipeline on the target and drops the slot unless `keep_slot`.  Throws pipeline_running.
std::vector<std::string> remove(const Config& config, bool keep_slot);

/// Leaves out the transaction whose final_lsn is `lsn`; only that of the standing error.  Throws skip_refused.
std::vector<std::string> skip(const Config& config, Lsn lsn);

/// The target is ready for `table` as the source has it now: one that was created again is let in, one that has left is
/// forgotten.  Throws pipeline_running, accept_refused.
std::vector<std::string> accept(const Config& config, const QualifiedName& table);

/// Has the table emptied and copied, by the running service or at the next start.  Throws copy_refused.
std::vector<std::string> copy_again(const Config& config, const QualifiedName& table);

/// Sets the sequences that the target's tables own to where those of the source are.
std::vector<std::string> sync_sequences(const Config& config);

}  // namespace walgate::service
