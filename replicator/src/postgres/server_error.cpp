#include "postgres/server_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "wire/reader.hpp"

namespace walgate::postgres {

namespace {

struct Rule {
  std::string_view prefix;  ///< of the SQLSTATE; the first match decides
  ErrorName name;
  Recovery recovery;
  bool message_is_safe;  ///< it names objects, never values
};

// Source: PostgreSQL utils/errcodes.txt.
constexpr auto rules = std::to_array<Rule>({
    {"08P01", ErrorName::target_error, Recovery::stop, true},
    {"08", ErrorName::connection_lost, Recovery::retry, true},
    {"0A", ErrorName::statement_refused, Recovery::stop, true},
    {"22", ErrorName::value_not_accepted, Recovery::stop, false},
    {"23503", ErrorName::foreign_key_violation_on_target, Recovery::stop, true},
    {"23505", ErrorName::unique_violation_on_target, Recovery::stop, true},
    {"23", ErrorName::constraint_violation_on_target, Recovery::stop, true},
    {"25P03", ErrorName::connection_lost, Recovery::retry, true},       // idle_in_transaction_session_timeout
    {"25P04", ErrorName::connection_lost, Recovery::retry, true},       // transaction_timeout
    {"25006", ErrorName::server_shutting_down, Recovery::retry, true},  // read only: a standby, until it is promoted
    {"28", ErrorName::authentication_failed, Recovery::stop, true},
    {"3D", ErrorName::database_missing, Recovery::stop, true},
    {"40", ErrorName::serialization_failure, Recovery::retry, true},
    {"42", ErrorName::statement_refused, Recovery::stop, true},
    {"53", ErrorName::server_out_of_resources, Recovery::retry, true},
    {"55P03", ErrorName::lock_not_available, Recovery::retry, true},
    {"55006", ErrorName::slot_in_use, Recovery::retry, true},
    {"55", ErrorName::statement_refused, Recovery::stop, true},
    {"57014", ErrorName::statement_cancelled, Recovery::retry, true},
    {"57P", ErrorName::server_shutting_down, Recovery::retry, true},
    {"WG001", ErrorName::position_moved, Recovery::stop, true},         // walgate.advance()
    {"58", ErrorName::server_out_of_resources, Recovery::retry, true},  // I/O errors of the server
});

Rule rule_for(std::string_view sqlstate, Side side) {
  for (const auto& rule : rules) {
    if (sqlstate.starts_with(rule.prefix)) {
      Rule found = rule;
      // The names of what may be wrong with a value are about the target.
      const bool about_target =
          found.name == ErrorName::target_error || sqlstate.starts_with("22") || sqlstate.starts_with("23");
      if (about_target && side == Side::source) found.name = ErrorName::source_error;
      return found;
    }
  }
  return {"", side == Side::source ? ErrorName::source_error : ErrorName::target_error, Recovery::stop, false};
}

/// What the SQLSTATE alone does not tell.
void refine(Failure& failure, Side side, std::string_view text) {
  const auto says = [&](std::string_view words) { return text.find(words) != std::string_view::npos; };
  if (failure.sqlstate == "42501") {
    failure.name = says("output plugin")  ? ErrorName::plugin_not_listed
                   : side == Side::source ? ErrorName::source_role_not_allowed
                                          : ErrorName::target_role_not_allowed;
  } else if (side == Side::target && failure.sqlstate == "55006") {
    failure.name =
        ErrorName::lock_not_available;  // something else is at work on the object; only a source has our slot
  } else if (side == Side::source && failure.sqlstate == "58P01" && says("walgate")) {
    failure.name = ErrorName::plugin_missing;  // the library is not on the server
    failure.recovery = Recovery::stop;
  } else if (side == Side::source && failure.sqlstate == "0A000" && says("version")) {
    failure.name = ErrorName::protocol_version;
  } else if (side == Side::source && failure.sqlstate == "42704" && says("publication")) {
    failure.name = ErrorName::publication_missing;
  } else if (side == Side::source && failure.sqlstate == "42704" && says("replication slot")) {
    failure.name = ErrorName::slot_missing;
  } else if (side == Side::source && failure.sqlstate == "55000" && says("can no longer get changes")) {
    failure.name = ErrorName::slot_invalidated;
  } else if (side == Side::target && (failure.sqlstate == "22P05" || failure.sqlstate == "22021")) {
    failure.remedy =
        "use a target database with encoding UTF8 or that of the source, or change the value on the source: the "
        "encoding of the target's database has no such character";
  }
}

/// Text of a server, for people.
std::string to_utf8(const std::string& text, const wire::Encoding& encoding) {
  try {
    return encoding.to_utf8(text);
  } catch (const wire::ProtocolError&) {  // an error on its way must not be lost to its spelling
    auto readable = text;
    std::ranges::replace_if(readable, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
    return readable;
  }
}

/// The table that the output plugin was at, as its context line says; else empty.
std::string_view table_of_context(std::string_view context) {
  constexpr std::string_view before = "change of table \"";
  const auto from = context.find(before);
  if (from == std::string_view::npos) return {};
  const auto rest = context.substr(from + before.size());
  return rest.substr(0, rest.substr(0, rest.find('\n')).rfind('"'));
}

std::string first_line(const char* text) {
  std::string_view line{text == nullptr ? "" : text};
  line = line.substr(0, line.find('\n'));
  return std::string{line};
}

}  // namespace

std::string_view text_of(Side side) noexcept {
  return side == Side::source ? "source" : "target";
}

std::string_view field_of(const PGresult* result, int field) noexcept {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? std::string_view{} : std::string_view{text};
}

wire::Encoding encoding_of(const PGconn* connection) {
  try {
    return wire::Encoding{pg_encoding_to_char(PQclientEncoding(connection))};
  } catch (const wire::ProtocolError&) {
    return wire::Encoding{"LATIN1"};  // of no use but to make valid UTF-8 of any bytes
  }
}

std::optional<std::size_t> parameter_of_context(std::string_view context) noexcept {
  // Source: PostgreSQL tcop/postgres.c, bind_param_error_callback.
  constexpr std::string_view before = " parameter $";
  const auto from = context.find(before);
  if (from == std::string_view::npos) return std::nullopt;
  std::size_t number = 0;
  std::from_chars(context.data() + from + before.size(), context.data() + context.size(), number);
  if (number == 0) return std::nullopt;
  return number;
}

Failure failure_of(const PGresult* result, Side side, std::string_view phase, const wire::Encoding& encoding) {
  const auto sqlstate = field_of(result, PG_DIAG_SQLSTATE);
  if (sqlstate.empty()) {  // libpq's own: the connection broke
    return Failure{.name = ErrorName::connection_lost,
                   .recovery = Recovery::retry,
                   .message = fmt::format("lost the connection to the {}: {}", text_of(side),
                                          first_line(PQresultErrorMessage(result))),
                   .phase = std::string{phase}};
  }
  const auto rule = rule_for(sqlstate, side);
  Failure failure{.name = rule.name, .recovery = rule.recovery, .phase = std::string{phase}};
  failure.sqlstate = sqlstate;
  // Class 23 names objects when the server itself speaks; a trigger's RAISE may say anything, and has no constraint.
  const bool raised = sqlstate.starts_with("23") && field_of(result, PG_DIAG_CONSTRAINT_NAME).empty() &&
                      field_of(result, PG_DIAG_COLUMN_NAME).empty();
  const bool safe = rule.message_is_safe && !raised;
  const auto text =
      safe ? field_of(result, PG_DIAG_MESSAGE_PRIMARY) : std::string_view{"message withheld, it may hold values"};
  failure.message = fmt::format("{} server: {} (SQLSTATE {})", text_of(side), text, sqlstate);
  if (side == Side::source) failure.relation = table_of_context(field_of(result, PG_DIAG_CONTEXT));
  for (const auto& [field, what] :
       {std::pair{PG_DIAG_CONSTRAINT_NAME, "constraint"}, std::pair{PG_DIAG_TABLE_NAME, "table"},
        std::pair{PG_DIAG_COLUMN_NAME, "column"}, std::pair{PG_DIAG_DATATYPE_NAME, "type"}}) {
    if (const auto name = field_of(result, field); !name.empty()) {
      failure.detail += fmt::format("{}{} \"{}\"", failure.detail.empty() ? "" : ", ", what, name);
    }
  }
  if (safe && !sqlstate.starts_with("23")) failure.remedy = field_of(result, PG_DIAG_MESSAGE_HINT);
  refine(failure, side, field_of(result, PG_DIAG_MESSAGE_PRIMARY));
  for (auto* part : {&failure.message, &failure.detail, &failure.remedy, &failure.relation}) {
    *part = to_utf8(*part, encoding);
  }
  return failure;
}

Failure connection_failure(PGconn* connection, Side side, std::string_view phase, bool was_open) {
  const auto text = to_utf8(first_line(PQerrorMessage(connection)), encoding_of(connection));
  Failure failure{.name = was_open ? ErrorName::connection_lost : ErrorName::connection_failed,
                  .recovery = Recovery::retry,
                  .message = was_open ? fmt::format("lost the connection to the {}: {}", text_of(side), text)
                                      : fmt::format("could not connect to the {}: {}", text_of(side), text),
                  .phase = std::string{phase}};
  if (was_open) return failure;
  // libpq gives no SQLSTATE for a refused start-up packet, so the server's sentence has to tell.  A server that speaks
  // another language is retried, which loses nothing.
  const std::string_view sentence = text;
  if (sentence.find("authentication failed") != std::string_view::npos ||
      sentence.find("no password supplied") != std::string_view::npos ||
      sentence.find("no pg_hba.conf entry") != std::string_view::npos ||
      (sentence.find("role \"") != std::string_view::npos &&
       sentence.find("does not exist") != std::string_view::npos) ||
      sentence.find("is not permitted to log in") != std::string_view::npos) {
    failure.name = ErrorName::authentication_failed;
    failure.recovery = Recovery::stop;
  } else if (sentence.find("database \"") != std::string_view::npos &&
             sentence.find("does not exist") != std::string_view::npos) {
    failure.name = ErrorName::database_missing;
    failure.recovery = Recovery::stop;
  } else if (side == Side::source &&
             (sentence.find("must be superuser or replication role") != std::string_view::npos ||
              sentence.find("permission denied to start WAL sender") != std::string_view::npos)) {
    failure.name = ErrorName::source_role_not_allowed;
    failure.recovery = Recovery::stop;
  }
  return failure;
}

}  // namespace walgate::postgres
