// known_tables.hpp - walgate.tables: what the target remembers of the published tables.
#pragma once

#include <string>

#include "catalog/table_ledger.hpp"
#include "postgres/connection.hpp"

namespace walgate::apply {

struct RememberedTables {
  KnownTables tables;
  bool looked = false;  ///< has a look at the source been stored?
};
/// Nothing where walgate's tables are of an older version.
[[nodiscard]] RememberedTables read_known_tables(postgres::Connection& target, const std::string& pipeline);

/// Stores these rows, and that there was a look; nothing when another service has taken the pipeline over.  One
/// transaction, which does not wait for standbys: what rests on it is committed later, and so reaches them later.
void write_known_tables(postgres::Connection& target, const std::string& pipeline, std::int64_t epoch,
                        const KnownTables& tables);

/// A person says that the target is ready for the table as it is now: one that was created again or was ignored is let
/// in, one that has left is forgotten, and the transaction that the stream waits at because of it may pass.  False when
/// the table is unknown or as it was.
bool accept_table(postgres::Connection& target, const std::string& pipeline, const QualifiedName& table);

}  // namespace walgate::apply
