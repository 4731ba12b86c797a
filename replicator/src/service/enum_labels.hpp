// enum_labels.hpp - labels that the source's enums have got and the target's have not.
#pragma once

#include <vector>

#include "catalog/table_plan.hpp"
#include "config/config.hpp"
#include "postgres/connection.hpp"
#include "sync/event.hpp"
#include "wire/relation.hpp"

namespace walgate::service {

/// One difference for each enum of the relation's columns whose counterpart lacks labels.  Asks the source on a session
/// of its own.  Throws Error.
[[nodiscard]] std::vector<Difference> missing_labels(const Config& config, const wire::Relation& relation,
                                                     postgres::Connection& target, const Event* stop);

}  // namespace walgate::service
