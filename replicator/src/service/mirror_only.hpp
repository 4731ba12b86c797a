// mirror_only.hpp - pipelines whose only sink is Kafka.
//
// There is no target that could remember anything: the progress topic has the position, what the source was when it was
// written, the transactions that a person leaves out, and the standing error.  The mirror reads the pipeline's slot
// itself.  One service at a time: a second one shuts the first one out of Kafka, and waits for the slot before that.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "errors/error.hpp"
#include "errors/finding.hpp"
#include "mirror/progress_record.hpp"
#include "observe/status.hpp"
#include "sync/event.hpp"

namespace walgate::service {

/// One stretch of streaming, as Session is where there is a target.
class MirrorOnly {
 public:
  MirrorOnly(const Config& config, StatusBoard& board, const Event& finish, const Event& stop)
      : config_{config}, board_{board}, finish_{finish}, stop_{stop} {}

  /// Returns when `finish` is set and what is whole is sent.  Throws Error; Interrupted after `stop`.
  void run();

 private:
  const Config& config_;
  StatusBoard& board_;
  const Event& finish_;
  const Event& stop_;
};

/// What the progress topic says; nothing where it does not exist.  Throws Error.
[[nodiscard]] mirror::ProgressRecords read_records(const Config& config);
/// Takes away all that the progress topic says of the pipeline.  Throws Error.
void forget_records(const Config& config);

// What commands.hpp promises, where there is no target.

std::vector<std::string> init_mirror_only(const Config& config);
std::vector<Finding> check_mirror_only(const Config& config);
void add_mirror_only(const Config& config, Status& status);
std::vector<std::string> remove_mirror_only(const Config& config, bool keep_slot);
/// The mirror leaves the transaction out, whether or not there is a target.  Throws Error.
void leave_out_of_kafka(const Config& config, Lsn lsn);
/// Leaves the failure in the progress topic.  Throws Error.
void record_mirror_only(const Config& config, const Failure& failure);

}  // namespace walgate::service
