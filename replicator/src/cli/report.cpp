// report.cpp - see the header.

#include "cli/report.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "observe/failure_json.hpp"

namespace walgate::cli {
namespace {

using nlohmann::ordered_json;
using service::Finding;
using service::Severity;

constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view yellow = "\x1b[33m";

std::string painted(std::string_view text, std::string_view colour, bool wanted) {
  return wanted ? fmt::format("{}{}\x1b[0m", colour, text) : std::string{text};
}

std::string plural(std::size_t number, std::string_view word) {
  return fmt::format("{} {}{}", number, word, number == 1 ? "" : "s");
}

std::string_view text_of(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
  }
  return "";
}

std::string_view colour_of(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "";
    case Severity::warning:
      return yellow;
    case Severity::error:
      return red;
  }
  return "";
}

bool is_about_reaching(ErrorName name) {
  return name == ErrorName::connection_failed || name == ErrorName::connection_lost ||
         name == ErrorName::server_shutting_down || name == ErrorName::kafka_unavailable;
}

void print_failure(const Context& context, const Failure& failure, const std::vector<std::string>& lines) {
  context.err << painted("walgate: ", red, context.err_colour) << failure.message << '\n';
  for (const std::string& line : lines) context.err << "  " << line << '\n';
  const auto field = [&](std::string_view label, const std::string& text) {
    if (!text.empty()) context.err << label << ": " << text << '\n';
  };
  field("detail", failure.detail);
  field("relation", failure.relation);
  if (failure.lsn) field("lsn", failure.lsn->text());
  field("sqlstate", failure.sqlstate);
  field("hint", remedy_of(failure));
  field("name", std::string{walgate::text_of(failure.name)});
}

}  // namespace

int exit_code_of(const Failure& failure) noexcept {
  if (failure.name == ErrorName::configuration_invalid || failure.name == ErrorName::listen_failed) return usage;
  if (failure.recovery == Recovery::retry || is_about_reaching(failure.name)) return unreachable;
  return needs_person;
}

int report_failure(const Context& context, const Failure& failure) {
  if (context.json) {
    context.out << dump({{"error", failure_json(failure)}}) << '\n';
  } else {
    print_failure(context, failure, {});
  }
  return exit_code_of(failure);
}

int report_mistakes(const Context& context, const MistakenConfig& mistaken) {
  const Mistakes& mistakes = mistaken.mistakes();
  Failure failure{.name = ErrorName::configuration_invalid};
  std::vector<std::string> lines;
  if (mistaken.file().empty()) {
    failure.message = mistakes.front().text;
    failure.remedy = "README.md shows a small configuration; `walgate config reference` describes every key.";
  } else if (mistakes.size() == 1) {
    failure.message = fmt::format("configuration \"{}\": {}", mistaken.file(), mistakes.front().sentence());
    if (mistakes.front().path.empty()) failure.remedy = "Name a JSON file with --config FILE or WALGATE_CONFIG.";
  } else {
    failure.message = fmt::format("configuration \"{}\" has {}", mistaken.file(), plural(mistakes.size(), "mistake"));
    for (const Mistake& mistake : mistakes) lines.push_back(mistake.sentence());
  }
  if (context.json) {
    ordered_json error = failure_json(failure);
    error["mistakes"] = ordered_json::array();
    for (const Mistake& mistake : mistakes) {
      error["mistakes"].push_back({{"path", mistake.path}, {"message", mistake.text}});
    }
    context.out << dump({{"error", error}}) << '\n';
  } else {
    print_failure(context, failure, lines);
  }
  return usage;
}

int report_findings(const Context& context, const std::vector<Finding>& findings) {
  const auto count = [&](Severity severity) {
    return static_cast<std::size_t>(std::ranges::count(findings, severity, &Finding::severity));
  };
  if (context.json) {
    ordered_json list = ordered_json::array();
    for (const Finding& finding : findings) {
      list.push_back(
          {{"severity", text_of(finding.severity)},
           {"name", walgate::text_of(finding.name)},
           {"object", finding.object},
           {"path", finding.path.empty() ? ordered_json(nullptr) : ordered_json(finding.path)},
           {"finding", finding.finding},
           {"remedy", finding.remedy.empty() ? std::string{entry_of(finding.name).remedy} : finding.remedy}});
    }
    context.out << dump(list) << '\n';
  } else {
    for (const Finding& finding : findings) {
      context.out << painted(fmt::format("{:<8}", text_of(finding.severity)), colour_of(finding.severity),
                             context.out_colour && finding.severity != Severity::info)
                  << ' ' << (finding.object.empty() ? "" : finding.object + ": ") << finding.finding << '\n';
      const std::string remedy = finding.remedy.empty() ? std::string{entry_of(finding.name).remedy} : finding.remedy;
      if (!finding.path.empty()) context.out << "         at: " << finding.path << '\n';
      if (!remedy.empty()) context.out << "         hint: " << remedy << '\n';
      context.out << "         name: " << walgate::text_of(finding.name) << '\n';
    }
    context.out << (findings.empty() ? "nothing stands in the way: " : "\n")
                << fmt::format("{}, {}, {} for information\n", plural(count(Severity::error), "error"),
                               plural(count(Severity::warning), "warning"), count(Severity::info));
  }
  if (count(Severity::error) == 0) return done;
  // When the only trouble is that a server does not answer, say so in the exit code.
  const bool all_about_reaching = std::ranges::all_of(findings, [](const Finding& finding) {
    return finding.severity != Severity::error || is_about_reaching(finding.name);
  });
  return all_about_reaching ? unreachable : needs_person;
}

int report_done(const Context& context, const std::string& pipeline, const std::vector<std::string>& sentences) {
  if (context.json) {
    context.out << dump({{"pipeline", pipeline}, {"done", sentences}}) << '\n';
  } else {
    for (const std::string& sentence : sentences) context.out << sentence << '\n';
  }
  return done;
}

void warn(const Context& context, const std::string& text) {
  context.err << painted("walgate: warning: ", yellow, context.err_colour) << text << '\n';
}

}  // namespace walgate::cli
