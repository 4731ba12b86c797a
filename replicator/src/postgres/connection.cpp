#include "postgres/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace walgate::postgres {

namespace {

using namespace std::chrono_literals;

/// The user's conninfo, parsed by libpq, with ours added where it is silent.
std::map<std::string, std::string> parameters_of(const ConnectionOptions& options) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, Releaser<PQconninfoFree>> parsed{
      PQconninfoParse(options.conninfo.c_str(), &error)};
  const Memory owned_error{error};
  if (!parsed) {
    throw Error{Failure{.name = ErrorName::configuration_invalid,
                        .message = fmt::format("connection string of the {} cannot be read", text_of(options.side)),
                        .phase = "connect"}};
  }
  std::map<std::string, std::string> parameters;
  for (const auto* entry = parsed.get(); entry->keyword != nullptr; ++entry) {
    if (entry->val != nullptr) parameters[entry->keyword] = entry->val;
  }
  parameters.emplace("fallback_application_name", options.application_name);
  // A service file fills in what is not given here, so our defaults must not stand in its way.
  if (!parameters.contains("service") && std::getenv("PGSERVICE") == nullptr) {
    if (std::getenv("PGCONNECT_TIMEOUT") == nullptr) parameters.emplace("connect_timeout", "10");
    parameters.emplace("keepalives_idle", "10");
    parameters.emplace("keepalives_interval", "5");
    parameters.emplace("keepalives_count", "3");
    parameters.emplace("tcp_user_timeout", "30000");  // also lets libpq go on to the next of several hosts
  }
  if (options.replication) parameters["replication"] = "database";
  if (!options.client_encoding.empty()) parameters["client_encoding"] = options.client_encoding;
  return parameters;
}

/// How long we wait for a session in all.  With several hosts libpq goes from one to the next by itself.
std::chrono::milliseconds connect_timeout(const std::map<std::string, std::string>& parameters) {
  const auto given = parameters.find("connect_timeout");
  const char* environment = std::getenv("PGCONNECT_TIMEOUT");
  const std::string text = given != parameters.end() ? given->second : environment != nullptr ? environment : "10";
  int seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (seconds <= 0) seconds = 3600;
  const auto host = parameters.find(parameters.contains("hostaddr") ? "hostaddr" : "host");
  const auto others = host == parameters.end() ? 0 : std::ranges::count(host->second, ',');
  return std::chrono::seconds{std::max(seconds, 2)} + others * 35s;
}

}  // namespace

Connection::Connection(const ConnectionOptions& options, const Event* stop) : side_{options.side}, stop_{stop} {
  const auto parameters = parameters_of(options);
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : parameters) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  connection_.reset(PQconnectStartParams(keywords.data(), values.data(), 0));
  if (!connection_) throw std::bad_alloc{};

  const auto deadline = std::chrono::steady_clock::now() + connect_timeout(parameters);
  auto next = PGRES_POLLING_WRITING;
  while (PQstatus(handle()) != CONNECTION_BAD && next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    auto descriptors = std::to_array<pollfd>(
        {{PQsocket(handle()), static_cast<short>(next == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0},
         {stop_ != nullptr ? stop_->descriptor() : -1, POLLIN, 0}});
    const bool ready = wait_for(descriptors, std::max(left, 0ms));
    if (descriptors[1].revents != 0) throw Interrupted{};
    if (!ready) {
      throw Error{Failure{.name = ErrorName::connection_failed,
                          .recovery = Recovery::retry,
                          .message = fmt::format("could not connect to the {}: no answer in time", text_of(side_)),
                          .phase = phase_}};
    }
    next = PQconnectPoll(handle());
  }
  if (PQstatus(handle()) != CONNECTION_OK) throw Error{connection_failure(handle(), side_, phase_, false)};
  // Notices would go to stderr and may hold values.
  PQsetNoticeProcessor(
      handle(), [](void*, const char*) {}, nullptr);
  if (options.client_encoding.empty()) {
    // Values travel in the server's encoding (extension/PROTOCOL.md), whatever PGCLIENTENCODING says.
    const char* encoding = PQparameterStatus(handle(), "server_encoding");
    if (encoding != nullptr && PQsetClientEncoding(handle(), encoding) != 0) throw_lost();
  }
  std::string set;
  for (const auto& [name, value] : options.settings) set += fmt::format("SET {} = '{}';", name, value);
  if (!set.empty()) exec(set);
}

bool Connection::wait_socket(bool write, std::chrono::milliseconds timeout) const {
  auto descriptors =
      std::to_array<pollfd>({{PQsocket(handle()), static_cast<short>(write ? POLLIN | POLLOUT : POLLIN), 0},
                             {stop_ != nullptr ? stop_->descriptor() : -1, POLLIN, 0}});
  const bool ready = wait_for(descriptors, timeout);
  if (descriptors[1].revents != 0) throw Interrupted{};
  return ready;
}

Result Connection::collect() {
  Result last;
  for (;;) {
    while (PQisBusy(handle()) != 0) {
      const int unsent = PQflush(handle());
      if (unsent < 0) throw_lost();
      wait_socket(unsent > 0, -1ms);
      if (PQconsumeInput(handle()) == 0) throw_lost();
    }
    Result result{PQgetResult(handle())};
    if (!result) break;
    const auto status = PQresultStatus(result.get());
    last = std::move(result);
    if (status == PGRES_COPY_BOTH || status == PGRES_COPY_IN || status == PGRES_COPY_OUT) break;
    if (status == PGRES_FATAL_ERROR) {
      // Read to the end, so that the session can be used again; keep the error.
      while (const Result rest{PQgetResult(handle())}) {
      }
      break;
    }
  }
  if (!last) throw_lost();
  return last;
}

Result Connection::try_exec(const std::string& sql) {
  if (PQsendQuery(handle(), sql.c_str()) == 0) throw_lost();
  return collect();
}

std::optional<std::string> Connection::try_prepare(const std::string& sql, const std::vector<Oid>& types) {
  if (PQsendPrepare(handle(), "", sql.c_str(), static_cast<int>(types.size()), types.data()) == 0) throw_lost();
  const auto result = collect();
  if (PQresultStatus(result.get()) != PGRES_FATAL_ERROR) return std::nullopt;
  if (field_of(result.get(), PG_DIAG_SQLSTATE).empty()) throw_result(result.get());
  return std::string{field_of(result.get(), PG_DIAG_MESSAGE_PRIMARY)};
}

Result Connection::exec(const std::string& sql) {
  auto result = try_exec(sql);
  if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) throw_result(result.get());
  return result;
}

Result Connection::exec(const std::string& sql, const std::vector<std::optional<std::string>>& parameters) {
  std::vector<const char*> values;
  for (const auto& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  if (PQsendQueryParams(handle(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                        nullptr, 0) == 0) {
    throw_lost();
  }
  auto result = collect();
  if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) throw_result(result.get());
  return result;
}

void Connection::cancel() const noexcept {
  const std::unique_ptr<PGcancel, Releaser<PQfreeCancel>> cancel{PQgetCancel(handle())};
  std::array<char, 256> error{};
  if (cancel) PQcancel(cancel.get(), error.data(), error.size());
}

void Connection::finish_copy() {
  const auto result = collect();
  if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) throw_result(result.get());
}

void Connection::throw_lost() const {
  throw Error{connection_failure(handle(), side_, phase_, true)};
}

void Connection::throw_result(const PGresult* result) const {
  throw Error{failure_of(result, side_, phase_, encoding_of(handle()))};
}

std::optional<std::string> field(const Result& result, int row, int column) {
  if (PQgetisnull(result.get(), row, column) != 0) return std::nullopt;
  return std::string{PQgetvalue(result.get(), row, column),
                     static_cast<std::size_t>(PQgetlength(result.get(), row, column))};
}

std::string text_field(const Result& result, int row, int column) {
  return field(result, row, column).value_or(std::string{});
}

bool bool_field(const Result& result, int row, int column) {
  return text_field(result, row, column) == "t";
}

namespace {

[[noreturn]] void odd_answer(std::string_view what) {
  throw Error{Failure{.name = ErrorName::internal_error,
                      .message = fmt::format("server answered with something that is not a {}", what)}};
}

}  // namespace

std::int64_t number_field(const Result& result, int row, int column) {
  const auto text = text_field(result, row, column);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) odd_answer("number");
  return number;
}

Lsn lsn_field(const Result& result, int row, int column) {
  const auto lsn = Lsn::parse(text_field(result, row, column));
  if (!lsn) odd_answer("WAL position");
  return *lsn;
}

std::vector<std::string> list_field(const Result& result, int row, int column) {
  // Source: PostgreSQL utils/adt/arrayfuncs.c, array_out.
  const auto text = text_field(result, row, column);
  std::vector<std::string> items;
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return items;
  std::string item;
  bool quoted = false;
  bool any = false;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      item += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      items.push_back(std::move(item));
      item.clear();
    } else {
      item += c;
    }
    any = true;
  }
  if (any) items.push_back(std::move(item));
  return items;
}

}  // namespace walgate::postgres
