// directives.hpp - what a migration file says to walgate, in line comments before its first statement.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "migrate/sql_script.hpp"

namespace walgate::migrate {

struct Directives {
  bool no_transaction = false;
  bool after_copy = false;
};

/// A place in the text, and what is the matter there.
using DirectiveMistakes = std::vector<ScriptMistake>;

/// Looks at all comments: one that looks like a directive and is none, is misplaced or is given twice, is a mistake.
[[nodiscard]] Directives read_directives(std::string_view text, const Script& script, DirectiveMistakes& mistakes);

/// Does a comment speak to walgate, however badly?  One that begins with our name, or that is a directive but for its
/// beginning.
[[nodiscard]] bool looks_like_directive(std::string_view comment);

}  // namespace walgate::migrate
