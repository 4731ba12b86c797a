// log.hpp - events of the service, one line each.
//
// A line holds time, level, name, message and key=value pairs: `2026-11-21T10:00:00.123Z info streaming streaming
// from the slot slot="orders" lsn=0/4FFFF00`.  Logs go to stderr.  Never pass a value of a user's row.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

#include "errors/error.hpp"
#include "wire/lsn.hpp"

namespace walgate::log {

enum class Level { debug, info, warning, error };
enum class Format { text, json };

/// One key=value pair.  Texts are quoted, numbers and positions are not.
struct Field {
  Field(std::string_view name, std::string_view text) : key{name}, value{text}, quoted{true} {}
  Field(std::string_view name, const std::string& text) : key{name}, value{text}, quoted{true} {}
  Field(std::string_view name, const char* text) : key{name}, value{text}, quoted{true} {}
  Field(std::string_view name, Lsn lsn) : key{name}, value{lsn.text()}, quoted{false} {}
  Field(std::string_view name, bool truth) : key{name}, value{truth ? "true" : "false"}, quoted{false} {}
  Field(std::string_view name, std::integral auto number) : key{name}, value{std::to_string(number)}, quoted{false} {}
  std::string_view key;
  std::string value;
  bool quoted;
};

/// Once, before the first event.  Any thread may log afterwards.
void set_up(Level least, Format format);

void event(Level level, std::string_view name, std::string_view message, std::initializer_list<Field> fields = {});
inline void debug(std::string_view name, std::string_view message, std::initializer_list<Field> fields = {}) {
  event(Level::debug, name, message, fields);
}
inline void info(std::string_view name, std::string_view message, std::initializer_list<Field> fields = {}) {
  event(Level::info, name, message, fields);
}
inline void warning(std::string_view name, std::string_view message, std::initializer_list<Field> fields = {}) {
  event(Level::warning, name, message, fields);
}
/// A failure with all it knows, at `level`.
void failure(Level level, const Failure& failure);

}  // namespace walgate::log
