// known_tables.hpp - walgate.tables and walgate.shapes: what the target remembers of the published tables.
#pragma once

#include <string>
#include <string_view>

#include "catalog/table_ledger.hpp"
#include "postgres/connection.hpp"

namespace walgate::apply {

/// Nothing where walgate's tables are of an older version.
[[nodiscard]] RememberedTables read_known_tables(postgres::Connection& target, const std::string& pipeline);

/// Stores these rows, and that there was a look; nothing when another service has taken the pipeline over.  One
/// transaction, which does not wait for standbys: what rests on it is committed later, and so reaches them later.
void write_known_tables(postgres::Connection& target, const std::string& pipeline, std::int64_t epoch,
                        const KnownTables& tables);

/// Stores where the rows of tables are and which columns their changes have, in a transaction that holds the position.
/// What is known of the copy of a table goes with it to its new name.  Nothing when another service has taken the
/// pipeline over.  $1: the pipeline; $2: json_of() them; $3: our epoch.
extern const std::string_view store_held_tables;
[[nodiscard]] std::string json_of(const HeldTables& tables);

/// A person says that the target is ready for the table as it is now: one that was created again or was ignored is let
/// in, one that has left is forgotten, and the transaction that the stream waits at because of it may pass.  False when
/// the table is unknown or as it was.
bool accept_table(postgres::Connection& target, const std::string& pipeline, const QualifiedName& table);

}  // namespace walgate::apply
