#include "migrate/directives.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walgate::migrate {

namespace {

constexpr std::string_view introduction = "-- walgate: ";
constexpr std::string_view no_transaction = "no-transaction";
constexpr std::string_view after_copy = "after-copy";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto from = text.find_first_not_of(blanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(blanks) + 1 - from);
}

/// The letters of a text, small: "No_Transaction" and "no-transaction" are alike.
std::string letters_of(std::string_view text) {
  std::string letters;
  for (const char c : text) {
    if (c >= 'a' && c <= 'z') letters += c;
    if (c >= 'A' && c <= 'Z') letters += static_cast<char>(c + 32);
  }
  return letters;
}

}  // namespace

bool looks_like_directive(std::string_view comment) {
  auto content = comment.substr(2);
  if (comment.starts_with("/*")) content.remove_suffix(2);
  content = trimmed(content);
  if (letters_of(content.substr(0, content.find_first_of(" \t:=,"))) == "walgate") return true;
  const auto last =
      letters_of(trimmed(content.substr(content.find(':') == std::string_view::npos ? 0 : content.find(':'))));
  return last == letters_of(no_transaction) || last == letters_of(after_copy);
}

Directives read_directives(std::string_view text, const Script& script, DirectiveMistakes& mistakes) {
  Directives found;
  const auto head_end = script.statements.empty() ? text.size() : script.statements.front().span.begin;
  for (const auto& span : script.comments) {
    const auto comment = text.substr(span.begin, span.end - span.begin);
    if (!looks_like_directive(comment)) continue;
    const auto add = [&](std::string what) { mistakes.push_back({span.begin, std::move(what)}); };
    if (span.begin > head_end) {
      add("a directive has to stand before the first statement");
      continue;
    }
    const auto word =
        comment.starts_with(introduction) ? trimmed(comment.substr(introduction.size())) : std::string_view{};
    const bool is_known = word == no_transaction || word == after_copy;
    if (!is_known) {
      add(fmt::format("this is no directive of walgate; \"{0}{1}\" and \"{0}{2}\" are", introduction, no_transaction,
                      after_copy));
      continue;
    }
    bool& given = word == no_transaction ? found.no_transaction : found.after_copy;
    if (given) add(fmt::format("the directive {} is given twice", word));
    given = true;
  }
  return found;
}

}  // namespace walgate::migrate
