// failure_from_json.cpp - see the header.

#include "observe/failure_from_json.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace walgate {

Failure failure_from_json(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto text_of_key = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  Failure failure{.name = ErrorName::internal_error};
  if (!json.is_object()) return failure;
  failure.name = error_name_of(text_of_key("name")).value_or(ErrorName::internal_error);
  failure.message = text_of_key("message");
  failure.detail = text_of_key("detail");
  failure.remedy = text_of_key("remedy");
  failure.phase = text_of_key("phase");
  failure.relation = text_of_key("relation");
  failure.sqlstate = text_of_key("sqlstate");
  failure.lsn = Lsn::parse(text_of_key("lsn"));
  if (const auto xid = json.find("xid");
      xid != json.end() && xid->is_number_unsigned() && std::in_range<std::uint32_t>(xid->get<std::uint64_t>())) {
    failure.xid = xid->get<std::uint32_t>();
  }
  return failure;
}

}  // namespace walgate
