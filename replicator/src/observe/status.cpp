// status.cpp - the status as JSON, back from JSON, and as lines for a person.

#include "observe/status.hpp"

#include <spdlog/fmt/chrono.h>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "observe/failure_from_json.hpp"
#include "observe/failure_json.hpp"

namespace walgate {
namespace {

using nlohmann::ordered_json;

constexpr auto state_texts = std::to_array<std::pair<ServiceState, std::string_view>>({
    {ServiceState::starting, "starting"},
    {ServiceState::copying, "copying"},
    {ServiceState::streaming, "streaming"},
    {ServiceState::at_gate, "at_gate"},
    {ServiceState::behind, "behind"},
    {ServiceState::retrying, "retrying"},
    {ServiceState::paused, "paused"},
    {ServiceState::stopped, "stopped"},
});

constexpr auto mirror_state_texts = std::to_array<std::pair<MirrorState, std::string_view>>({
    {MirrorState::opening, "opening"},
    {MirrorState::copying, "copying"},
    {MirrorState::streaming, "streaming"},
    {MirrorState::behind, "behind"},
    {MirrorState::retrying, "retrying"},
    {MirrorState::stopped, "stopped"},
});

constexpr auto counters = std::to_array<std::pair<std::string_view, std::uint64_t Counters::*>>({
    {"transactions", &Counters::transactions},
    {"inserts", &Counters::inserts},
    {"updates", &Counters::updates},
    {"deletes", &Counters::deletes},
    {"truncates", &Counters::truncates},
    {"strict_replays", &Counters::strict_replays},
    {"retries", &Counters::retries},
    {"apply_errors", &Counters::apply_errors},
    {"missing_rows_skipped", &Counters::missing_rows_skipped},
    {"cascaded_deletes", &Counters::cascaded_deletes},
    {"duplicates_skipped", &Counters::duplicates_skipped},
    {"transactions_skipped", &Counters::transactions_skipped},
});

constexpr auto conflicts = std::to_array<std::pair<std::string_view, std::uint64_t Conflicts::*>>({
    {"insert_exists", &Conflicts::insert_exists},
    {"update_missing", &Conflicts::update_missing},
    {"delete_missing", &Conflicts::delete_missing},
});

constexpr auto positions = std::to_array<std::pair<std::string_view, Lsn Status::*>>({
    {"source_lsn", &Status::source_lsn},
    {"received_lsn", &Status::received_lsn},
    {"applied_lsn", &Status::applied_lsn},
    {"confirmed_lsn", &Status::confirmed_lsn},
});

template <typename Value>
ordered_json or_null(const std::optional<Value>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json or_null(Lsn lsn) {
  return lsn.is_set() ? ordered_json(lsn.text()) : ordered_json(nullptr);
}

std::string time_text(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text) {
  std::tm parts{};
  std::istringstream in{text};
  in >> std::get_time(&parts, "%Y-%m-%dT%H:%M:%SZ");
  if (in.fail()) return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

// A member of `object` when it is there and has the type, else nullopt.
template <typename Value>
std::optional<Value> member(const ordered_json& object, std::string_view key) {
  if (!object.is_object()) return std::nullopt;
  const auto found = object.find(std::string{key});
  if (found == object.end()) return std::nullopt;
  if constexpr (std::is_same_v<Value, std::string>) {
    if (!found->is_string()) return std::nullopt;
  } else if constexpr (std::is_same_v<Value, bool>) {
    if (!found->is_boolean()) return std::nullopt;
  } else {
    static_assert(std::is_integral_v<Value>);
    if (!found->is_number_integer()) return std::nullopt;
    if (found->is_number_unsigned() ? !std::in_range<Value>(found->template get<std::uint64_t>())
                                    : !std::in_range<Value>(found->template get<std::int64_t>())) {
      return std::nullopt;
    }
  }
  return found->template get<Value>();
}

ordered_json sub_object(const ordered_json& object, const char* key) {
  return object.contains(key) && object[key].is_object() ? object[key] : ordered_json::object();
}

// The texts of a member that is an array.
std::vector<std::string> texts(const ordered_json& object, const char* key) {
  std::vector<std::string> list;
  if (!object.contains(key) || !object[key].is_array()) return list;
  for (const ordered_json& item : object[key]) {
    if (item.is_string()) list.push_back(item.get<std::string>());
  }
  return list;
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ' ');
  return text;
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr auto units = std::to_array<std::string_view>({"kB", "MB", "GB", "TB"});
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string lsn_text(Lsn lsn) {
  return lsn.is_set() ? lsn.text() : "unknown";
}

std::string_view colour_of(ServiceState state) {
  switch (state) {
    case ServiceState::streaming:
      return "\x1b[32m";
    case ServiceState::starting:
    case ServiceState::copying:
    case ServiceState::at_gate:
    case ServiceState::behind:
    case ServiceState::retrying:
    case ServiceState::paused:
      return "\x1b[33m";
    case ServiceState::stopped:
      return "\x1b[31m";
  }
  return "";
}

std::string lag_text(const Lag& lag) {
  std::vector<std::string> parts;
  if (lag.bytes) parts.push_back(bytes_text(*lag.bytes));
  parts.push_back(fmt::format("{} transaction{}", lag.transactions, lag.transactions == 1 ? "" : "s"));
  if (lag.milliseconds) parts.push_back(fmt::format("{} ms", *lag.milliseconds));
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

std::string copy_text(const CopyStatus& copy) {
  std::string text = fmt::format("{} rows", grouped(copy.rows));
  if (copy.rows_estimated > 0) {
    text += fmt::format(" of about {} ({} %)", grouped(copy.rows_estimated),
                        std::min<std::uint64_t>(100, copy.rows * 100 / copy.rows_estimated));
  }
  text += fmt::format(", {}, {} rows/s", bytes_text(copy.bytes), grouped(copy.rows_per_second));
  if (copy.eta_seconds) {
    text += fmt::format(", {}:{:02}:{:02} left", *copy.eta_seconds / 3600, *copy.eta_seconds / 60 % 60,
                        *copy.eta_seconds % 60);
  }
  if (copy.snapshot_age_seconds) text += fmt::format(", snapshot {} s old", *copy.snapshot_age_seconds);
  return text;
}

std::string_view text_of(ServiceState state) noexcept {
  const auto found = std::ranges::find(state_texts, state, &std::pair<ServiceState, std::string_view>::first);
  return found == state_texts.end() ? std::string_view{} : found->second;
}

std::string_view text_of(MirrorState state) noexcept {
  const auto found = std::ranges::find(mirror_state_texts, state, &std::pair<MirrorState, std::string_view>::first);
  return found == mirror_state_texts.end() ? std::string_view{} : found->second;
}

std::string gate_json(const GateStatus& gate) {
  return dump({{"relation", gate.relation.empty() ? ordered_json(nullptr) : ordered_json(gate.relation)},
               {"differences", gate.differences},
               {"since", time_text(gate.since)},
               {"lsn", gate.lsn ? or_null(*gate.lsn) : ordered_json(nullptr)},
               {"migration", or_null(gate.migration)},
               {"retained_bytes_per_minute", or_null(gate.retained_bytes_per_minute)}});
}

std::optional<GateStatus> parse_gate(std::string_view text) {
  const ordered_json json = ordered_json::parse(text, nullptr, false);
  const auto since = member<std::string>(json, "since");
  if (!since) return std::nullopt;
  return GateStatus{.relation = member<std::string>(json, "relation").value_or(""),
                    .differences = texts(json, "differences"),
                    .since = parse_time(*since).value_or(GateStatus{}.since),
                    .lsn = Lsn::parse(member<std::string>(json, "lsn").value_or("")),
                    .migration = member<std::string>(json, "migration"),
                    .retained_bytes_per_minute = member<std::uint64_t>(json, "retained_bytes_per_minute")};
}

std::string status_json(const Status& status) {
  ordered_json json;
  json["pipeline"] = status.pipeline;
  json["version"] = status.version;
  json["pid"] = or_null(status.pid);
  json["state"] = text_of(status.state);
  json["since"] = status.since == Status{}.since ? ordered_json(nullptr) : ordered_json(time_text(status.since));
  json["reason"] = or_null(status.reason);
  json["next_step"] = or_null(status.next_step);
  for (const auto& [key, position] : positions) json[std::string{key}] = or_null(status.*position);
  json["lag"]["bytes"] = or_null(status.lag.bytes);
  json["lag"]["transactions"] = status.lag.transactions;
  json["lag"]["milliseconds"] = or_null(status.lag.milliseconds);
  json["retained_wal_bytes"] = or_null(status.retained_wal_bytes);
  json["replica_role"] = or_null(status.replica_role);
  for (const auto& [key, counter] : counters) json["counters"][std::string{key}] = status.counters.*counter;
  json["tables"] = ordered_json::array();
  for (const TableStatus& table : status.tables) {
    json["tables"].push_back({{"source", table.source},
                              {"target", table.target},
                              {"state", table.state},
                              {"rows_copied", or_null(table.rows_copied)},
                              {"rows_estimated", or_null(table.rows_estimated)}});
  }
  json["copy"] = nullptr;
  if (status.copy) {
    const CopyStatus& copy = *status.copy;
    json["copy"] = {{"rows", copy.rows},
                    {"rows_estimated", copy.rows_estimated},
                    {"bytes", copy.bytes},
                    {"rows_per_second", copy.rows_per_second},
                    {"eta_seconds", or_null(copy.eta_seconds)},
                    {"snapshot_age_seconds", or_null(copy.snapshot_age_seconds)},
                    {"waiting_for", or_null(copy.waiting_for)},
                    {"blocked", copy.blocked}};
  }
  json["gate"] = status.gate ? ordered_json::parse(gate_json(*status.gate)) : ordered_json(nullptr);
  json["error"] = status.error ? failure_json(*status.error) : ordered_json(nullptr);
  for (const auto& [key, counter] : conflicts) json["conflicts"][std::string{key}] = status.conflicts.*counter;
  json["mirror"] = nullptr;
  if (status.mirror) {
    const MirrorStatus& mirror = *status.mirror;
    json["mirror"] = {
        {"state", text_of(mirror.state)},
        {"since", mirror.since == MirrorStatus{}.since ? ordered_json(nullptr) : ordered_json(time_text(mirror.since))},
        {"position", or_null(mirror.position)},
        {"transactions", mirror.transactions},
        {"records", mirror.records},
        {"bytes", mirror.bytes},
        {"retained_wal_bytes", or_null(mirror.retained_wal_bytes)},
        {"copy", mirror.copy ? ordered_json{{"relation", mirror.copy->relation},
                                            {"rows", mirror.copy->rows},
                                            {"rows_estimated", mirror.copy->rows_estimated}}
                             : ordered_json(nullptr)},
        {"gap", mirror.gap ? ordered_json{{"from", or_null(mirror.gap->from)}, {"to", or_null(mirror.gap->to)}}
                           : ordered_json(nullptr)},
        {"error", mirror.error ? failure_json(*mirror.error) : ordered_json(nullptr)}};
  }
  return dump(json);
}

std::optional<Status> parse_status(std::string_view text) {
  const ordered_json json = ordered_json::parse(text, nullptr, false);
  const auto pipeline = member<std::string>(json, "pipeline");
  const auto state = member<std::string>(json, "state");
  if (!pipeline || !state) return std::nullopt;
  const auto known =
      std::ranges::find(state_texts, std::string_view{*state}, &std::pair<ServiceState, std::string_view>::second);
  if (known == state_texts.end()) return std::nullopt;

  Status status;
  status.pipeline = *pipeline;
  status.state = known->first;
  status.version = member<std::string>(json, "version").value_or("");
  status.pid = member<int>(json, "pid");
  status.since = parse_time(member<std::string>(json, "since").value_or("")).value_or(status.since);
  status.reason = member<std::string>(json, "reason");
  status.next_step = member<std::string>(json, "next_step");
  for (const auto& [key, position] : positions) {
    status.*position = Lsn::parse(member<std::string>(json, key).value_or("")).value_or(Lsn{});
  }
  const ordered_json lag = sub_object(json, "lag");
  status.lag.bytes = member<std::uint64_t>(lag, "bytes");
  status.lag.transactions = member<std::uint64_t>(lag, "transactions").value_or(0);
  status.lag.milliseconds = member<std::int64_t>(lag, "milliseconds");
  status.retained_wal_bytes = member<std::uint64_t>(json, "retained_wal_bytes");
  status.replica_role = member<bool>(json, "replica_role");
  const ordered_json counted = sub_object(json, "counters");
  for (const auto& [key, counter] : counters)
    status.counters.*counter = member<std::uint64_t>(counted, key).value_or(0);
  const ordered_json met = sub_object(json, "conflicts");
  for (const auto& [key, counter] : conflicts) status.conflicts.*counter = member<std::uint64_t>(met, key).value_or(0);
  if (json.contains("tables") && json["tables"].is_array()) {
    for (const ordered_json& table : json["tables"]) {
      status.tables.push_back(
          {member<std::string>(table, "source").value_or(""), member<std::string>(table, "target").value_or(""),
           member<std::string>(table, "state").value_or(""), member<std::uint64_t>(table, "rows_copied"),
           member<std::uint64_t>(table, "rows_estimated")});
    }
  }
  if (const ordered_json copy = sub_object(json, "copy"); !copy.empty()) {
    status.copy = CopyStatus{.rows = member<std::uint64_t>(copy, "rows").value_or(0),
                             .rows_estimated = member<std::uint64_t>(copy, "rows_estimated").value_or(0),
                             .bytes = member<std::uint64_t>(copy, "bytes").value_or(0),
                             .rows_per_second = member<std::uint64_t>(copy, "rows_per_second").value_or(0),
                             .eta_seconds = member<std::uint64_t>(copy, "eta_seconds"),
                             .snapshot_age_seconds = member<std::uint64_t>(copy, "snapshot_age_seconds"),
                             .waiting_for = member<std::string>(copy, "waiting_for"),
                             .blocked = texts(copy, "blocked")};
  }
  if (const ordered_json mirror = sub_object(json, "mirror"); !mirror.empty()) {
    const auto word = member<std::string>(mirror, "state").value_or("");
    const auto at = std::ranges::find(mirror_state_texts, std::string_view{word},
                                      &std::pair<MirrorState, std::string_view>::second);
    status.mirror = MirrorStatus{
        .state = at == mirror_state_texts.end() ? MirrorState::opening : at->first,
        .since = parse_time(member<std::string>(mirror, "since").value_or("")).value_or(MirrorStatus{}.since),
        .position = Lsn::parse(member<std::string>(mirror, "position").value_or("")).value_or(Lsn{}),
        .transactions = member<std::uint64_t>(mirror, "transactions").value_or(0),
        .records = member<std::uint64_t>(mirror, "records").value_or(0),
        .bytes = member<std::uint64_t>(mirror, "bytes").value_or(0),
        .retained_wal_bytes = member<std::uint64_t>(mirror, "retained_wal_bytes"),
        .copy = std::nullopt,
        .gap = std::nullopt,
        .error = std::nullopt};
    if (const ordered_json copy = sub_object(mirror, "copy"); !copy.empty()) {
      status.mirror->copy =
          MirrorCopyStatus{.relation = member<std::string>(copy, "relation").value_or(""),
                           .rows = member<std::uint64_t>(copy, "rows").value_or(0),
                           .rows_estimated = member<std::uint64_t>(copy, "rows_estimated").value_or(0)};
    }
    if (const ordered_json gap = sub_object(mirror, "gap"); !gap.empty()) {
      status.mirror->gap = GapStatus{.from = Lsn::parse(member<std::string>(gap, "from").value_or("")).value_or(Lsn{}),
                                     .to = Lsn::parse(member<std::string>(gap, "to").value_or("")).value_or(Lsn{})};
    }
    if (mirror.contains("error") && mirror["error"].is_object())
      status.mirror->error = failure_from_json(mirror["error"].dump());
  }
  status.gate = parse_gate(sub_object(json, "gate").dump());
  if (json.contains("error") && json["error"].is_object()) status.error = failure_from_json(json["error"].dump());
  return status;
}

std::string status_text(const Status& status, bool colour) {
  std::string out;
  const auto line = [&](std::string_view label, std::string_view text) {
    out += fmt::format("{:<14}{}\n", label, text);
  };
  line("pipeline", status.pipeline);
  line("state",
       fmt::format("{}{}{}{}", colour ? colour_of(status.state) : "", text_of(status.state), colour ? "\x1b[0m" : "",
                   status.since == Status{}.since ? "" : " since " + time_text(status.since)));
  line("service", status.pid ? fmt::format("running, pid {}, version {}", *status.pid, status.version) : "not running");
  // The error below says the same with its place.
  const bool told_by_error = status.gate || (status.error && status.reason == status.error->message);
  if (status.reason && !told_by_error) line("reason", *status.reason);
  if (status.next_step && !told_by_error) line("next step", *status.next_step);
  line("source", lsn_text(status.source_lsn));
  line("received", lsn_text(status.received_lsn));
  line("applied", lsn_text(status.applied_lsn));
  line("confirmed", lsn_text(status.confirmed_lsn));
  line("lag", lag_text(status.lag));
  if (status.retained_wal_bytes) line("retained", fmt::format("{} of WAL", bytes_text(*status.retained_wal_bytes)));
  if (status.replica_role) {
    line("constraints", *status.replica_role
                            ? "foreign keys and ordinary triggers of the target do not act (replica role)"
                            : "foreign keys and triggers of the target act");
  }
  if (status.copy) {
    const CopyStatus& copy = *status.copy;
    line("copy", copy_text(copy));
    if (copy.waiting_for) line("", fmt::format("waits for {} on the source", *copy.waiting_for));
    if (!copy.blocked.empty()) line("", fmt::format("keeps waiting on the source: {}", fmt::join(copy.blocked, ", ")));
  }
  if (status.pid) {
    const Counters& done = status.counters;
    // Nothing is counted when the service itself was not asked.
    if (done.transactions > 0) {
      line("done", fmt::format("transactions {}; rows inserted {}, updated {}, deleted {}; truncates {}",
                               grouped(done.transactions), grouped(done.inserts), grouped(done.updates),
                               grouped(done.deletes), grouped(done.truncates)));
    }
    for (const auto& [key, counter] : counters) {
      // The ordinary work is told above; the rest only where it happened.
      if (done.*counter > 0 && counter != &Counters::transactions && counter != &Counters::inserts &&
          counter != &Counters::updates && counter != &Counters::deletes && counter != &Counters::truncates) {
        line("", fmt::format("{} {}", key, grouped(done.*counter)));
      }
    }
    for (const auto& [key, counter] : conflicts) {
      if (status.conflicts.*counter > 0) line("", fmt::format("{} {}", key, grouped(status.conflicts.*counter)));
    }
  }
  if (!status.tables.empty()) {
    std::size_t width = 0;
    for (const TableStatus& table : status.tables) width = std::max(width, table.source.size());
    std::string_view label = "tables";
    for (const TableStatus& table : status.tables) {
      std::string copied;
      if (table.rows_copied && table.state != "streaming") {
        copied = fmt::format(", {} rows", grouped(*table.rows_copied));
        if (table.rows_estimated) copied += fmt::format(" of about {}", grouped(*table.rows_estimated));
      }
      line(label, fmt::format("{:<{}}  →  {}  ({}{})", table.source, width, table.target, table.state, copied));
      label = "";
    }
  }
  if (status.gate) {
    const GateStatus& gate = *status.gate;
    line("gate",
         fmt::format("{}closed since {}{}", colour ? "\x1b[33m" : "", time_text(gate.since), colour ? "\x1b[0m" : ""));
    if (gate.migration) line("", fmt::format("migration: {}", *gate.migration));
    if (!gate.relation.empty()) line("", fmt::format("relation: {}", gate.relation));
    for (const auto& difference : gate.differences) line("", difference);
    if (gate.lsn) line("", fmt::format("lsn: {}", gate.lsn->text()));
    if (gate.retained_bytes_per_minute) {
      line("", fmt::format("costs the source {} of WAL per minute", bytes_text(*gate.retained_bytes_per_minute)));
    }
    if (status.next_step) line("", fmt::format("hint: {}", *status.next_step));
  }
  if (status.mirror) {
    const MirrorStatus& mirror = *status.mirror;
    line("kafka", fmt::format("{}, up to {}; {} records sent", text_of(mirror.state), lsn_text(mirror.position),
                              grouped(mirror.records)));
    if (mirror.copy) {
      line("", fmt::format("sends {}: {} rows of about {}", mirror.copy->relation, grouped(mirror.copy->rows),
                           grouped(mirror.copy->rows_estimated)));
    }
    if (mirror.gap) {
      line("", fmt::format("lacks the changes from {} to {}; `walgate mirror republish --all` fills the gap",
                           lsn_text(mirror.gap->from), mirror.gap->to.is_set() ? lsn_text(mirror.gap->to) : "?"));
    }
    if (mirror.retained_wal_bytes)
      line("", fmt::format("keeps {} of WAL on the source", bytes_text(*mirror.retained_wal_bytes)));
    if (mirror.error) {
      const Failure& error = *mirror.error;
      line("", fmt::format("{}{}{}", colour ? "\x1b[31m" : "", error.message, colour ? "\x1b[0m" : ""));
      line("", fmt::format("name: {}", text_of(error.name)));
      if (const std::string remedy = remedy_of(error); !remedy.empty()) line("", fmt::format("hint: {}", remedy));
    }
  }
  if (status.error) {
    const Failure& error = *status.error;
    line("error", fmt::format("{}{}{}", colour ? "\x1b[31m" : "", error.message, colour ? "\x1b[0m" : ""));
    line("", fmt::format("name: {}", text_of(error.name)));
    if (!error.relation.empty()) line("", fmt::format("relation: {}", error.relation));
    if (error.lsn) line("", fmt::format("lsn: {}", error.lsn->text()));
    if (!error.sqlstate.empty()) line("", fmt::format("sqlstate: {}", error.sqlstate));
    if (!error.detail.empty()) line("", fmt::format("detail: {}", error.detail));
    if (const std::string remedy = remedy_of(error); !remedy.empty()) line("", fmt::format("hint: {}", remedy));
  }
  return out;
}

}  // namespace walgate
