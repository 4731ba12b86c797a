// expression.hpp - expressions as the server prints them: renamed columns, and which of them are constants.
//
// The texts come from pg_get_expr, pg_get_constraintdef and pg_get_indexdef with standard_conforming_strings on, so
// strings have no escapes, and names are quoted where they need it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace walgate::compare {

/// The new name of a column; nullopt where it has none.
using Rename = std::function<std::optional<std::string>(const std::string&)>;

/// The expression with its columns renamed; nullopt when it names one that has no new name.  Whatever is no call, no
/// type after "::" and no part of a qualified name is taken for a column if `is_column` says so.
[[nodiscard]] std::optional<std::string> renamed(std::string_view expression,
                                                 const std::function<bool(const std::string&)>& is_column,
                                                 const Rename& rename);

/// The value of an expression that is a literal, perhaps with a cast, as the type's input function would take it:
/// "new" for 'new'::public.state, "-1" for '-1'::integer, "true" for true.  nullopt for others, NULL among them.
[[nodiscard]] std::optional<std::string> constant_of(std::string_view expression);

/// Is it NULL, perhaps with a cast?
[[nodiscard]] bool is_null(std::string_view expression);

}  // namespace walgate::compare
