// progress_notes.hpp - records of the progress topic that others than the mirror write: what people want of it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "errors/error.hpp"
#include "sync/event.hpp"

namespace walgate::mirror {

/// Keys with their values; nullopt takes a record away.
using ProgressNotes = std::vector<std::pair<std::string, std::optional<std::string>>>;

/// Writes them, stored when it returns, and makes the topic where it is missing.  Shuts nobody out: the service may
/// run.  `leave` ends the waiting.  Throws KafkaError, Error mirror_topic_unfit.
void write_notes(const Config& config, const ProgressNotes& notes, const Event* leave = nullptr);
/// What the mirror stands at, for `status` and `skip`, which can read it when it returns.  Throws as write_notes does.
void write_error(const Config& config, const Failure& failure, const Event* leave = nullptr);

}  // namespace walgate::mirror
