// migration_file.hpp - one file of the user's migrations: its name, its directives and its statements.
//
//   file      = NNNN "_" name ".sql"           four digits; name of [a-z0-9_]
//   text      = head statement { ";" statement } [ ";" ]
//   head      = { empty line | comment | "-- walgate: " directive }
//   directive = "no-transaction"               exactly one statement, outside of a transaction
//             | "after-copy"                   waits until all tables are copied
//
// Nothing in a file is read as it might be meant: what is not exactly this is a mistake, told with its line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "migrate/sql_script.hpp"

namespace walgate::migrate {

struct MigrationFile {
  int number = 0;
  std::string id;    ///< "0007_priority"
  std::string path;  ///< for people
  std::string text;
  std::string checksum;  ///< SHA-256 over the bytes
  bool in_transaction = true;
  bool after_copy = false;
  std::vector<Statement> statements;  ///< at least one; exactly one where not in_transaction

  [[nodiscard]] std::string_view sql(const Statement& statement) const {
    return std::string_view{text}.substr(statement.span.begin, statement.span.end - statement.span.begin);
  }
  /// "migrations/0007_priority.sql:12"
  [[nodiscard]] std::string place(std::size_t at) const { return path + ':' + std::to_string(line_of(text, at)); }
};

/// The number of a name without ".sql"; 0 for a name that no migration can have.
[[nodiscard]] int number_of(std::string_view id) noexcept;

/// Reads a file's text.  Appends sentences that begin with the place to `mistakes`.
[[nodiscard]] MigrationFile parse_migration(std::string id, std::string path, std::string text,
                                            std::vector<std::string>& mistakes);

}  // namespace walgate::migrate
