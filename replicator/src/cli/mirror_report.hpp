// mirror_report.hpp - what `walgate mirror plan` and `verify` print.
#pragma once

#include <string>

#include "service/mirror_plan.hpp"
#include "service/mirror_verify.hpp"

namespace walgate::cli {

[[nodiscard]] std::string plan_text(const service::MirrorPlan& plan);
[[nodiscard]] std::string plan_json(const service::MirrorPlan& plan, const std::string& pipeline);

[[nodiscard]] std::string verdict_text(const service::MirrorVerdict& verdict);
[[nodiscard]] std::string verdict_json(const service::MirrorVerdict& verdict, const std::string& pipeline);

}  // namespace walgate::cli
