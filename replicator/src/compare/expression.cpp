#include "compare/expression.hpp"

#include <algorithm>
#include <utility>

#include "catalog/identifier.hpp"

namespace walgate::compare {

namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool starts_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool is_in_word(char c) noexcept {
  return starts_word(c) || is_digit(c) || c == '$';
}

/// Past the quoted text that begins at `at`; doubled quotes are part of it.
std::size_t end_of_quoted(std::string_view text, std::size_t at) {
  const char quote = text[at++];
  while (at < text.size()) {
    if (text[at++] != quote) continue;
    if (at >= text.size() || text[at] != quote) break;
    ++at;
  }
  return at;
}

/// What stands between the quotes, with doubled ones single.
std::string unquoted(std::string_view text) {
  std::string plain;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    plain += text[i];
    if (text[i] == text.front()) ++i;
  }
  return plain;
}

/// Is all of the text a type's name as format_type prints it: "double precision", "public.state[]"?  One with a length
/// is none: it would cut or round the value.
bool is_type_name(std::string_view text) {
  bool any = false;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      at = end_of_quoted(text, at);
      any = true;
    } else if (is_in_word(c) || c == '.' || c == ' ' || c == '[' || c == ']') {
      any = any || starts_word(c);
      ++at;
    } else {
      return false;
    }
  }
  return any;
}

/// An expression without the cast at its end, and the type of that cast, empty without one.
std::pair<std::string_view, std::string_view> split_cast(std::string_view text) {
  std::size_t cast = std::string_view::npos;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '\'' || text[at] == '"') {
      at = end_of_quoted(text, at);
    } else if (text.substr(at, 2) == "::") {
      cast = at;
      at += 2;
    } else {
      ++at;
    }
  }
  if (cast == std::string_view::npos || !is_type_name(text.substr(cast + 2))) return {text, {}};
  return {text.substr(0, cast), text.substr(cast + 2)};
}

std::string_view without_parentheses(std::string_view text) {
  const bool around = text.starts_with('(') && text.ends_with(')') && text.find('(', 1) == std::string_view::npos;
  return around ? text.substr(1, text.size() - 2) : text;
}

bool is_whole_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

bool is_number(std::string_view text) {
  const auto point = text.find('.');
  if (point == std::string_view::npos) return is_whole_number(text);
  const auto fraction = text.substr(point + 1);
  return is_whole_number(text.substr(0, point)) && !fraction.empty() && std::ranges::all_of(fraction, is_digit);
}

bool is_quoted(std::string_view text) {
  return text.starts_with('\'') && end_of_quoted(text, 0) == text.size();
}

/// Does a number stay what it is when it is cast so?
bool keeps_number(std::string_view number, std::string_view type) {
  if (type == "numeric" || type == "double precision") return true;
  return is_whole_number(number) && (type == "smallint" || type == "integer" || type == "bigint");
}

}  // namespace

std::optional<std::string> renamed(std::string_view expression,
                                   const std::function<bool(const std::string&)>& is_column, const Rename& rename) {
  std::string text;
  for (std::size_t at = 0; at < expression.size();) {
    const char c = expression[at];
    if (c != '\'' && c != '"' && !is_in_word(c)) {
      text += c;
      ++at;
      continue;
    }
    std::size_t end = at;
    if (c == '\'' || c == '"') {
      end = end_of_quoted(expression, at);
    } else {
      while (end < expression.size() && is_in_word(expression[end])) ++end;
    }
    const auto token = expression.substr(at, end - at);
    const bool is_part = text.ends_with('.') || text.ends_with("::") || expression.substr(end).starts_with('.') ||
                         expression.substr(end).starts_with('(');
    const auto name = c == '"' ? unquoted(token) : std::string{token};
    at = end;
    if (c == '\'' || is_digit(c) || is_part || !is_column(name)) {
      text += token;
      continue;
    }
    const auto other = rename(name);
    if (!other) return std::nullopt;
    text += display_identifier(*other);
  }
  return text;
}

std::optional<std::string> constant_of(std::string_view expression) {
  const auto [inner, type] = split_cast(expression);
  if (is_quoted(inner)) return unquoted(inner);
  if (inner == "true" || inner == "false") return std::string{inner};
  // A number may be cast twice: (-1) is '-1'::integer.
  const auto [innermost, first_type] = split_cast(without_parentheses(inner));
  const auto number = is_quoted(innermost) ? unquoted(innermost) : std::string{innermost};
  const auto fits = [&](std::string_view cast) { return cast.empty() || keeps_number(number, cast); };
  if (is_number(number) && fits(first_type) && fits(type)) return number;
  return std::nullopt;
}

bool is_null(std::string_view expression) {
  return split_cast(expression).first == "NULL";
}

}  // namespace walgate::compare
