// log.cpp - spdlog does time, level and writing; the name, the message and the fields are put together here.

#include "observe/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <vector>

#include "observe/log_line.hpp"

namespace walgate::log {
namespace {

struct Logger {
  Format format = Format::text;
  std::shared_ptr<spdlog::logger> out;
};

Logger make_logger(Level least, Format format);

// The process's logger.  set_up replaces it before other threads exist.
Logger& logger() {
  static Logger instance = make_logger(Level::info, Format::text);
  return instance;
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

Logger make_logger(Level least, Format format) {
  auto out = std::make_shared<spdlog::logger>("walgate", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  // A JSON line is opened here and closed by json_rest.
  out->set_pattern(
      format == Format::text ? "%Y-%m-%dT%H:%M:%S.%eZ %l %v" : R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v)",
      spdlog::pattern_time_type::utc);
  out->set_level(spdlog_level(least));
  return {format, std::move(out)};
}

void write(Level level, std::string_view name, std::string_view message, std::span<const Field> fields) {
  Logger& to = logger();
  if (!to.out->should_log(spdlog_level(level))) return;
  const std::string line =
      to.format == Format::text ? text_rest(name, message, fields) : json_rest(name, message, fields);
  to.out->log(spdlog_level(level), spdlog::string_view_t{line.data(), line.size()});
}

// Control characters would break the rule that an event is one line, or take over a terminal.
void append_escaped(std::string& out, std::string_view text, bool quoted) {
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (code < 0x20 || code == 0x7f) {
      out += fmt::format("\\x{:02x}", code);
    } else {
      if (quoted && (c == '"' || c == '\\')) out += '\\';
      out += c;
    }
  }
}

template <typename Number>
std::optional<Number> parsed(const std::string& text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end ? std::optional{number} : std::nullopt;
}

nlohmann::ordered_json json_value(const Field& field) {
  if (field.quoted) return field.value;
  if (field.value == "true" || field.value == "false") return field.value == "true";
  if (const auto number = parsed<std::int64_t>(field.value)) return *number;
  if (const auto number = parsed<std::uint64_t>(field.value)) return *number;
  return field.value;  // a position
}

}  // namespace

std::string text_rest(std::string_view name, std::string_view message, std::span<const Field> fields) {
  std::string line{name};
  line += ' ';
  append_escaped(line, message, false);
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    if (field.quoted) line += '"';
    append_escaped(line, field.value, field.quoted);
    if (field.quoted) line += '"';
  }
  return line;
}

std::string json_rest(std::string_view name, std::string_view message, std::span<const Field> fields) {
  nlohmann::ordered_json object;
  object["name"] = name;
  object["message"] = message;
  // emplace: a field never replaces the name or the message
  for (const Field& field : fields) object.emplace(std::string{field.key}, json_value(field));
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).substr(1);
}

void set_up(Level least, Format format) {
  logger() = make_logger(least, format);
}

void event(Level level, std::string_view name, std::string_view message, std::initializer_list<Field> fields) {
  write(level, name, message, {fields.begin(), fields.size()});
}

void failure(Level level, const Failure& failure) {
  std::vector<Field> fields;
  const auto add = [&](std::string_view key, const std::string& text) {
    if (!text.empty()) fields.emplace_back(key, text);
  };
  add("detail", failure.detail);
  add("phase", failure.phase);
  add("relation", failure.relation);
  add("sqlstate", failure.sqlstate);
  if (failure.lsn) fields.emplace_back("lsn", *failure.lsn);
  if (failure.xid) fields.emplace_back("xid", *failure.xid);
  add("remedy", remedy_of(failure));
  write(level, text_of(failure.name), failure.message, fields);
}

}  // namespace walgate::log
