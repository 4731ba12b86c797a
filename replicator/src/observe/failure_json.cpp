// failure_json.cpp - see the header.

#include "observe/failure_json.hpp"

namespace walgate {

using nlohmann::ordered_json;

ordered_json failure_json(const Failure& failure) {
  const auto text = [](const std::string& value) {
    return value.empty() ? ordered_json(nullptr) : ordered_json(value);
  };
  ordered_json json;
  json["name"] = text_of(failure.name);
  json["phase"] = text(failure.phase);
  json["relation"] = text(failure.relation);
  json["lsn"] = failure.lsn ? ordered_json(failure.lsn->text()) : ordered_json(nullptr);
  json["xid"] = failure.xid ? ordered_json(*failure.xid) : ordered_json(nullptr);
  json["sqlstate"] = text(failure.sqlstate);
  json["message"] = failure.message;
  json["detail"] = text(failure.detail);
  json["remedy"] = text(remedy_of(failure));
  return json;
}

std::string dump(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace walgate
