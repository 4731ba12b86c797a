// identifier.cpp - quoting and patterns; the lexical rules are those of PostgreSQL's scan.l and quote_identifier().

#include "catalog/identifier.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace walgate {
namespace {

constexpr std::size_t longest_name_bytes = 63;  // NAMEDATALEN - 1

// Every keyword that is not UNRESERVED in kwlist.h of PostgreSQL 15 to 18: quote_identifier() quotes these.
constexpr auto keywords = std::to_array<std::string_view>({
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "json",
    "json_array",
    "json_arrayagg",
    "json_exists",
    "json_object",
    "json_objectagg",
    "json_query",
    "json_scalar",
    "json_serialize",
    "json_table",
    "json_value",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "merge_action",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
});
static_assert(std::ranges::is_sorted(keywords));

constexpr bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_small_start(char c) {
  return (c >= 'a' && c <= 'z') || c == '_';
}
constexpr bool is_high(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}
// The lexer's ident_start and ident_cont.
constexpr bool starts_name(char c) {
  return is_small_start(c) || is_capital(c) || is_high(c);
}
constexpr bool continues_name(char c) {
  return starts_name(c) || is_digit(c) || c == '$';
}
// Letters beyond ASCII are not folded, as the server does in every multibyte encoding.
constexpr char folded(char c) {
  return is_capital(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string doubled(std::string_view text, char mark) {
  std::string out;
  out.reserve(text.size() + 4);
  for (const char c : text) {
    if (c == mark) out += c;
    out += c;
  }
  return out;
}

// Reads pieces of a pattern from left to right.
class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : text_{text} {}

  [[nodiscard]] bool at_end() const noexcept { return at_ == text_.size(); }
  bool skip(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] std::string_view rest() const noexcept { return text_.substr(at_); }

  // One quoted or unquoted run of characters, empty when none is here.  False: `error` says why.
  bool piece(bool after_star, std::string& out, std::string& error) {
    if (skip('"')) return quoted(out, error);
    const std::size_t start = at_;
    if (at_end() || !(after_star ? continues_name(text_[at_]) : starts_name(text_[at_]))) return true;
    while (!at_end() && continues_name(text_[at_])) ++at_;
    for (const char c : text_.substr(start, at_ - start)) out += folded(c);
    return true;
  }

 private:
  bool quoted(std::string& out, std::string& error) {
    const std::size_t start = out.size();
    for (;;) {
      if (at_end()) {
        error = "a double quote is not closed";
        return false;
      }
      const char c = text_[at_++];
      if (c == '"' && !skip('"')) break;
      out += c;
    }
    if (out.size() == start) {
      error = "there is nothing between two double quotes";
      return false;
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// What stands at the reader where a name should go on or end.
std::string unexpected(const PatternReader& reader) {
  if (reader.at_end()) return "a name is missing at the end";
  const char c = reader.rest().front();
  if (c == '*') return "a part may hold only one \"*\"";
  if (c == '.') return "a name is missing before a dot";
  if (c == '"') return "a double quote must open at the start of a name or next to the \"*\"";
  if (is_digit(c) || c == '$') return "a name that starts with a digit or a dollar sign needs double quotes";
  if (c == ' ' || c == '\t' || c == '\n') return "white space needs double quotes";
  return std::string{"the sign "} + c + " needs double quotes";
}

}  // namespace

std::string quote_identifier(std::string_view name) {
  return '"' + doubled(name, '"') + '"';
}

std::string display_identifier(std::string_view name) {
  const bool plain = !name.empty() && is_small_start(name.front()) &&
                     std::ranges::all_of(name, [](char c) { return is_small_start(c) || is_digit(c) || c == '$'; });
  if (plain && !std::ranges::binary_search(keywords, name)) return std::string{name};
  return quote_identifier(name);
}

std::string quote_literal(std::string_view text) {
  if (text.find('\\') == std::string_view::npos) return '\'' + doubled(text, '\'') + '\'';
  return "E'" + doubled(doubled(text, '\''), '\\') + '\'';
}

std::string quote_literals(const std::vector<std::string>& texts) {
  std::string list;
  for (const auto& text : texts) list += (list.empty() ? "" : ", ") + quote_literal(text);
  return list;
}

std::string QualifiedName::quoted() const {
  return quote_identifier(schema) + '.' + quote_identifier(name);
}
std::string QualifiedName::display() const {
  return display_identifier(schema) + '.' + display_identifier(name);
}

std::optional<NamePattern> NamePattern::parse(std::string_view text, std::string& error) {
  if (text.empty()) {
    error = "it is empty";
    return std::nullopt;
  }
  NamePattern pattern;
  pattern.text_ = text;
  PatternReader reader{text};
  const auto read_part = [&](Part& part) {
    if (!reader.piece(false, part.before, error)) return false;
    if (reader.skip('*')) {
      part.star = true;
      if (!reader.piece(true, part.after, error)) return false;
    } else if (part.before.empty()) {
      error = unexpected(reader);
      return false;
    }
    if (!reader.at_end() && reader.rest().front() != '.') {
      error = unexpected(reader);
      return false;
    }
    if (part.before.size() + part.after.size() > longest_name_bytes) {
      error = "a name is longer than 63 bytes";
      return false;
    }
    return true;
  };
  if (!read_part(pattern.schema_)) return std::nullopt;
  if (!reader.skip('.')) {
    error = "the schema is missing: write schema.table";
    return std::nullopt;
  }
  if (!read_part(pattern.name_)) return std::nullopt;
  if (!reader.at_end()) {
    error = "there are more than two parts: write schema.table, with double quotes around a name that has a dot";
    return std::nullopt;
  }
  return pattern;
}

bool NamePattern::has_wildcard() const noexcept {
  return schema_.star || name_.star;
}

std::optional<NamePattern::Match> NamePattern::match(const QualifiedName& name) const {
  const auto star_of = [](const Part& part, std::string_view text) -> std::optional<std::string> {
    if (!part.star) return text == part.before ? std::optional{std::string{}} : std::nullopt;
    if (text.size() < part.before.size() + part.after.size()) return std::nullopt;
    if (!text.starts_with(part.before) || !text.ends_with(part.after)) return std::nullopt;
    return std::string{text.substr(part.before.size(), text.size() - part.before.size() - part.after.size())};
  };
  auto schema_star = star_of(schema_, name.schema);
  auto name_star = star_of(name_, name.name);
  if (!schema_star || !name_star) return std::nullopt;
  return Match{std::move(*schema_star), std::move(*name_star)};
}

QualifiedName NamePattern::fill(const Match& match) const {
  const auto filled = [](const Part& part, const std::string& star) {
    return part.star ? part.before + star + part.after : part.before;
  };
  return {filled(schema_, match.schema_star), filled(name_, match.name_star)};
}

bool NamePattern::covers(const NamePattern& other) const {
  const auto part_covers = [](const Part& wide, const Part& narrow) {
    if (!wide.star) return !narrow.star && narrow.before == wide.before;
    if (narrow.star) return narrow.before.starts_with(wide.before) && narrow.after.ends_with(wide.after);
    return narrow.before.size() >= wide.before.size() + wide.after.size() && narrow.before.starts_with(wide.before) &&
           narrow.before.ends_with(wide.after);
  };
  return part_covers(schema_, other.schema_) && part_covers(name_, other.name_);
}

bool NamePattern::can_fill_from(const NamePattern& source) const noexcept {
  return (!schema_.star || source.schema_.star) && (!name_.star || source.name_.star);
}

}  // namespace walgate
