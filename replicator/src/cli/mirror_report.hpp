// mirror_report.hpp - what `walgate mirror plan` prints.
#pragma once

#include <string>

#include "service/mirror_plan.hpp"

namespace walgate::cli {

[[nodiscard]] std::string plan_text(const service::MirrorPlan& plan);
[[nodiscard]] std::string plan_json(const service::MirrorPlan& plan, const std::string& pipeline);

}  // namespace walgate::cli
