// server_error.hpp - what a server's answer means for us.
//
// The SQLSTATE decides the stable name and whether trying again can help.  Server messages may quote values of rows
// (22P02 "invalid input syntax for type integer: …"), so only those classes keep their text whose messages name
// objects alone; details, which hold keys and rows, are never kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "errors/error.hpp"
#include "postgres/libpq.hpp"
#include "wire/encoding.hpp"

namespace walgate::postgres {

/// Which server answered; errors say so.
enum class Side { source, target };
[[nodiscard]] std::string_view text_of(Side side) noexcept;

/// The encoding in which a session's server speaks to us.
[[nodiscard]] wire::Encoding encoding_of(const PGconn* connection);

/// The failure that an error result stands for.  `encoding` is the session's; the failure is in UTF-8.
[[nodiscard]] Failure failure_of(const PGresult* result, Side side, std::string_view phase,
                                 const wire::Encoding& encoding = {});

/// The failure of a connection that could not be made or was lost.
[[nodiscard]] Failure connection_failure(PGconn* connection, Side side, std::string_view phase, bool was_open);

/// The number, from 1, of the parameter whose value a server could not read, as the context of its error says;
/// nullopt for other errors, and where the server speaks another language.
[[nodiscard]] std::optional<std::size_t> parameter_of_context(std::string_view context) noexcept;

/// One field of an error result; empty when the server did not send it.
[[nodiscard]] std::string_view field_of(const PGresult* result, int field) noexcept;

}  // namespace walgate::postgres
