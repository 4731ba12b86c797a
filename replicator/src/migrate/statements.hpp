// statements.hpp - sends the statements of a migration file, and says where in the file one was refused.
#pragma once

#include "migrate/migration_file.hpp"
#include "postgres/connection.hpp"

namespace walgate::migrate {

/// Runs one statement.  Throws Error; the message begins with file and line.
void run_statement(postgres::Connection& session, const MigrationFile& file, const Statement& statement);

/// Runs all statements of a file inside of the open transaction, with what is deferred checked at the end.  Throws
/// Error, also when the file has ended that transaction.
void run_in_transaction(postgres::Connection& session, const MigrationFile& file);

}  // namespace walgate::migrate
