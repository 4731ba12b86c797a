#include "mirror/slot_copy.hpp"

#include <fmt/format.h>

#include "catalog/identifier.hpp"
#include "mirror/mirror_settings.hpp"
#include "observe/log.hpp"
#include "stream/source_session.hpp"

namespace walgate::mirror {

SlotCopy::SlotCopy(const Config& config) : config_{config}, name_{mirror_slot(config)} {}

void SlotCopy::make(postgres::Connection& source) const {
  if (stream::find_slot(source, name_)) return;
  source.exec(fmt::format("SELECT pg_catalog.pg_copy_logical_replication_slot({}, {})",
                          quote_literal(config_.source.slot), quote_literal(name_)));
  log::info("mirror_slot_made", "the mirror has a slot of its own, a copy of the pipeline's", {{"slot", name_}});
}

bool SlotCopy::drop(postgres::Connection& source) const {
  const auto slot = stream::find_slot(source, name_);
  if (!slot) return true;
  if (slot->active_pid) return false;
  source.exec(fmt::format("SELECT pg_catalog.pg_drop_replication_slot({})", quote_literal(name_)));
  return true;
}

std::optional<Lsn> SlotCopy::confirmed(postgres::Connection& source) const {
  const auto slot = stream::find_slot(source, name_);
  if (!slot) return std::nullopt;
  return slot->confirmed_flush;
}

std::optional<std::string> SlotCopy::fault(postgres::Connection& source, Lsn position) const {
  const auto slot = stream::find_slot(source, name_);
  if (!slot) return "the slot is gone";
  if (slot->wal_status == "lost") return "the source has removed WAL that the slot needs";
  if (slot->confirmed_flush <= position) return std::nullopt;
  return fmt::format("the slot stands at {}", slot->confirmed_flush.text());
}

}  // namespace walgate::mirror
