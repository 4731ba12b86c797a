#include "service/pipeline_slots.hpp"

#include <fmt/format.h>

#include "catalog/identifier.hpp"
#include "errors/error.hpp"
#include "mirror/slot_copy.hpp"
#include "stream/source_session.hpp"

namespace walgate::service {

std::vector<std::string> drop_slots(const Config& config, postgres::Connection& source) {
  std::vector<std::string> done;
  const auto slot = stream::find_slot(source, config.source.slot);
  if (slot && slot->plugin != "walgate") {
    throw Error{Failure{
        .name = ErrorName::slot_of_other_plugin,
        .message = fmt::format("slot \"{}\" belongs to the output plugin \"{}\"", config.source.slot, slot->plugin),
        .phase = "remove"}};
  }
  // The copy serves nobody without the slot, and would keep WAL for ever.  Without a target a mirror makes none.
  const mirror::SlotCopy copy{config};
  const auto found = config.has_target() ? stream::find_slot(source, copy.name()) : std::nullopt;
  if (found && found->plugin == "walgate") {
    done.push_back(copy.drop(source) ? fmt::format("dropped the mirror's slot {}", copy.name())
                                     : fmt::format("somebody reads the mirror's slot {}, which stays", copy.name()));
  }
  if (slot) {
    source.exec(fmt::format("SELECT pg_catalog.pg_drop_replication_slot({})", quote_literal(config.source.slot)));
    done.push_back(fmt::format("dropped the slot {}", config.source.slot));
  } else {
    done.push_back(fmt::format("the source has no slot {}", config.source.slot));
  }
  return done;
}

}  // namespace walgate::service
