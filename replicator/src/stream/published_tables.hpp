// published_tables.hpp - the tables of publications as the catalog has them, cheap enough to ask for now and then.
//
// pg_get_publication_tables() opens the tables from 17 on, and would wait behind whoever has locked one.  Here only
// rows of the catalog are read, which waits for nobody; the rules are those of pg_publication.c.
#pragma once

#include <string>
#include <vector>

#include "catalog/table_ledger.hpp"
#include "postgres/connection.hpp"

namespace walgate::stream {

struct Published {
  Lsn as_of;  ///< the source had reached it before its catalog was read
  PublishedTables tables;
};

/// What the publications hold now, under the names that the stream will use, without schema walgate.  A publication
/// that does not exist holds nothing.
[[nodiscard]] Published published_tables(postgres::Connection& source, const std::vector<std::string>& publications);

}  // namespace walgate::stream
