// sql_script.hpp - where the statements of a SQL text begin and end.
//
// Follows the server's lexical rules as psql does: quotes, E'' strings that go on in the next line, dollar quotes,
// nested comments, parentheses, and the bodies between BEGIN ATOMIC and END of functions in standard SQL.  It expects
// standard_conforming_strings to be on.  Sources: PostgreSQL parser/scan.l, fe_utils/psqlscan.l.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace walgate::migrate {

/// A part of a text, in bytes; `end` is the first one that is not itself in it.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct Statement {
  Span span;  ///< from its first token to its last one, without the semicolon
  /// Its first tokens, comments left out: a word in small letters, a quoted name with its quotes, or one sign.
  std::vector<std::string> head;
};

/// Something that no file may hold.
struct ScriptMistake {
  std::size_t at = 0;
  std::string text;
};

struct Script {
  std::vector<Statement> statements;
  std::vector<Span> comments;  ///< of both kinds, outside of everything quoted
  std::vector<ScriptMistake> mistakes;
};

/// Cuts a text into statements.  After a mistake the rest is not looked at; the one that it is in is left out.
[[nodiscard]] Script read_script(std::string_view text);

/// The line, counted from 1, in which a byte of the text stands.
[[nodiscard]] std::size_t line_of(std::string_view text, std::size_t at) noexcept;

}  // namespace walgate::migrate
