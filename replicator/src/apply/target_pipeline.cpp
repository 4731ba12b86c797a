#include "apply/target_pipeline.hpp"

#include <fmt/format.h>

#include "postgres/copy_format.hpp"

namespace walgate::apply {

namespace {

using namespace std::chrono_literals;

}  // namespace

TargetPipeline::TargetPipeline(postgres::Connection target, wire::Encoding encoding, Handler handler,
                               std::function<void()> step)
    : connection_{std::move(target)},
      encoding_{std::move(encoding)},
      handler_{std::move(handler)},
      step_{std::move(step)},
      pipeline_{connection_} {}

Prepared TargetPipeline::prepare(Ticket ticket, Statement statement) {
  finish_copy();
  Prepared prepared{fmt::format("w{}", statements_++), std::move(statement)};
  ticket.purpose = Purpose::prepare;
  pipeline_.prepare(ticket, prepared.name, encoding_.from_utf8(prepared.statement.sql), prepared.statement.types);
  return prepared;
}

void TargetPipeline::execute(const Ticket& ticket, const Prepared& prepared, const postgres::Parameters& parameters,
                             bool binary_result) {
  finish_copy();
  Ticket sent = ticket;
  sent.statement = &prepared.statement;
  pipeline_.execute(sent, prepared.name, parameters, binary_result);
}

void TargetPipeline::query(const Ticket& ticket, const std::string& sql,
                           const std::vector<std::optional<std::string>>& parameters) {
  finish_copy();
  auto encoded = parameters;
  for (auto& parameter : encoded) {
    if (parameter) parameter = encoding_.from_utf8(*parameter);
  }
  pipeline_.query(ticket, encoding_.from_utf8(sql), encoded);
}

void TargetPipeline::repeat(const Ticket& ticket, std::string_view sql, const std::vector<std::string>& parameters) {
  auto found = repeated_.find(sql);
  if (found == repeated_.end()) {
    found = repeated_.emplace(sql, prepare(ticket, {.sql = std::string{sql}, .types = {}, .parameters = {}})).first;
  }
  finish_copy();
  parameters_.clear();
  for (const auto& text : parameters) parameters_.add(text.data(), static_cast<int>(text.size()), false);
  pipeline_.execute(ticket, found->second.name, parameters_);
}

void TargetPipeline::sync() {
  finish_copy();
  pipeline_.sync({.purpose = Purpose::sync});
}

void TargetPipeline::read(std::size_t most) {
  finish_copy();
  pipeline_.drain(most, handler_);
}

bool TargetPipeline::pump() {
  if (!copying_) {
    pipeline_.drain(SIZE_MAX, handler_);
    return flush();
  }
  const bool unsent = flush();
  if (PQconsumeInput(handle()) == 0) connection_.throw_lost();
  if (PQisBusy(handle()) == 0) finish_copy();
  return unsent;
}

void TargetPipeline::keep_pace() {
  const bool many_bytes = pipeline_.bytes_in_flight() > most_bytes_in_flight;
  if (++unread_ < 64 && !many_bytes) return;
  unread_ = 0;
  pipeline_.request_results();  // a slow target shows that it is at work
  read(many_bytes ? 0 : most_in_flight);
}

void TargetPipeline::roll_back() {
  if (copying_) {
    copying_.reset();
    while (next_result()) {
    }
    pipeline_.enter();
  }
  pipeline_.sync({.purpose = Purpose::sync});
  pipeline_.drain(0, [](const Ticket&, const PGresult*) {});
  pipeline_.query({.purpose = Purpose::begin}, "ROLLBACK");
  pipeline_.query({.purpose = Purpose::begin}, "DEALLOCATE ALL");
  pipeline_.sync({.purpose = Purpose::sync});
  repeated_.clear();
  read(0);
}

void TargetPipeline::copy(const Ticket& ticket, const std::string& sql, std::string_view data) {
  begin_copy(ticket, sql);
  put(postgres::copy_header);
  put(data);
  put(postgres::copy_trailer);
  end_copy(ticket);
}

void TargetPipeline::put_copy(std::string_view data) {
  put(data);
  while (flush()) {
    connection_.wait_socket(true, -1ms);
    if (PQconsumeInput(handle()) == 0) connection_.throw_lost();  // what the server says meanwhile must not wake us
  }
}

void TargetPipeline::end_copy(const Ticket& ticket) {
  while (PQputCopyEnd(handle(), nullptr) == 0) connection_.wait_socket(true, -1ms);
  copying_ = ticket;
  flush();
}

void TargetPipeline::begin_copy(const Ticket& ticket, const std::string& sql) {
  read(0);
  pipeline_.leave();
  if (PQsendQuery(handle(), encoding_.from_utf8(sql).c_str()) == 0) connection_.throw_lost();
  const auto result = next_result();
  if (PQresultStatus(result.get()) == PGRES_COPY_IN) return;
  while (next_result()) {
  }
  pipeline_.enter();
  handler_(ticket, result.get());
}

void TargetPipeline::put(std::string_view data) {
  for (;;) {
    const int taken = PQputCopyData(handle(), data.data(), static_cast<int>(data.size()));
    if (taken > 0) return;
    if (taken < 0) connection_.throw_lost();
    connection_.wait_socket(true, -1ms);
  }
}

void TargetPipeline::finish_copy() {
  if (!copying_) return;
  const auto result = next_result();
  const auto ticket = *copying_;
  copying_.reset();
  while (next_result()) {
  }
  pipeline_.enter();
  handler_(ticket, result.get());
}

bool TargetPipeline::flush() {
  const int unsent = PQflush(handle());
  if (unsent < 0) connection_.throw_lost();
  return unsent > 0;
}

postgres::Result TargetPipeline::next_result() {
  for (;;) {
    const bool unsent = flush();
    if (PQconsumeInput(handle()) == 0) connection_.throw_lost();
    if (PQisBusy(handle()) == 0) return postgres::Result{PQgetResult(handle())};
    if (connection_.wait_socket(unsent, -1ms) && unsent) step_();
  }
}

}  // namespace walgate::apply
