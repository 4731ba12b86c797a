#include "service/registration.hpp"

#include <fmt/format.h>

#include "migrate/own_tables.hpp"

namespace walgate::service {

std::vector<std::string> ensure_registered(const Config& config, Situation& now, postgres::Connection& target) {
  std::vector<std::string> done;
  if (!now.own_tables) {
    for (const auto& name : migrate::bring_up_own_tables(target)) {
      done.push_back(fmt::format("applied walgate's own migration {}", name));
    }
    now.own_tables = true;
    now.registration = apply::find_registration(target, config.pipeline);
    now.progress = apply::read_progress(target, config.pipeline);
  }
  if (now.registration) return done;
  apply::Registration registration{.source_system = now.source.system,
                                   .source_timeline = now.source.timeline,
                                   .source_database = now.source.database,
                                   .slot = config.source.slot,
                                   .publications = config.source.publications,
                                   .target_system = now.target.system,
                                   .target_database = now.target.database,
                                   .replica_role = wants_replica_role(config, now),
                                   .start_lsn = now.slot->confirmed_flush};
  if (const auto other = apply::other_user_of_slot(target, config.pipeline, registration)) {
    throw Error{
        Failure{.name = ErrorName::pipeline_exists_elsewhere,
                .message = fmt::format("the slot \"{}\" feeds the pipeline \"{}\" already", config.source.slot, *other),
                .remedy = "a slot serves one pipeline: create another slot, or remove that pipeline first",
                .phase = "check"}};
  }
  apply::register_pipeline(target, config.pipeline, registration);
  now.registration = registration;
  now.progress = apply::read_progress(target, config.pipeline);
  done.push_back(fmt::format("registered pipeline {} at {} of slot {}, {} replica role", config.pipeline,
                             registration.start_lsn.text(), config.source.slot,
                             registration.replica_role ? "with" : "without"));
  return done;
}

}  // namespace walgate::service
