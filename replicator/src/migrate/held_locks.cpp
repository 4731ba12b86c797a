#include "migrate/held_locks.hpp"

#include "catalog/identifier.hpp"

namespace walgate::migrate {

std::set<HeldLock> held_locks(postgres::Connection& observer, int backend_pid) {
  std::set<HeldLock> locks;
  const auto result = observer.exec(
      "SELECT nspname, relname, mode FROM pg_catalog.pg_locks "
      "JOIN pg_catalog.pg_class ON pg_class.oid = relation "
      "JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace "
      "WHERE pid = $1 AND locktype = 'relation' AND granted "
      "AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) "
      "AND nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema', 'walgate')",
      {std::to_string(backend_pid)});
  for (int row = 0; row < rows(result); ++row) {
    locks.insert(
        {QualifiedName{text_field(result, row, 0), text_field(result, row, 1)}.display(), text_field(result, row, 2)});
  }
  return locks;
}

}  // namespace walgate::migrate
