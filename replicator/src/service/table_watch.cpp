#include "service/table_watch.hpp"

#include "catalog/table_mapping.hpp"
#include "observe/log.hpp"
#include "stream/published_tables.hpp"

namespace walgate::service {

namespace {

std::vector<TableLedger::Change> look(const Config& config, postgres::Connection& source, TableLedger& ledger) {
  auto published = stream::published_tables(source, config.source.publications);
  std::erase_if(published.tables, [&](const auto& table) { return !map_table(config.tables, table.first).target; });
  return ledger.look(published.tables, published.as_of);
}

/// A lock or a row of the catalog that goes while it is read: the next look will find what there is.
bool may_pass(const Failure& failure) {
  return failure.sqlstate == "55P03" || failure.sqlstate == "57014" || failure.sqlstate == "XX000";
}

}  // namespace

bool watch_tables(const Config& config, postgres::Connection& source, TableLedger& ledger) {
  bool looked = true;
  try {
    for (const auto& change : look(config, source, ledger)) {
      const auto& entry = entry_of(change.name);
      const auto mapping = map_table(config.tables, change.table);
      log::event(change.ordinary ? log::Level::info : log::Level::warning, entry.text, change.text,
                 {{"relation", change.table.display()},
                  {"target", mapping.target ? mapping.target->display() : std::string{}},
                  {"remedy", entry.remedy}});
    }
  } catch (const Error& error) {
    if (!may_pass(error.failure())) throw;
    log::debug("look_left_out", error.failure().message);
    looked = false;
  }
  try {
    ledger.save();
  } catch (const Error& error) {  // kept for the next look; the applier writes what it rests on itself
    log::debug("tables_not_stored", error.failure().message);
  }
  return looked;
}

std::vector<Finding> check_tables(const Config& config, postgres::Connection& source, RememberedTables remembered) {
  std::vector<Finding> findings;
  const auto add = [&](Severity severity, ErrorName name, const QualifiedName& table, std::string text) {
    findings.push_back({severity, name, table.display(), std::move(text), std::string{entry_of(name).remedy}});
  };
  const auto severity_of = [](ErrorName name) {
    return name == ErrorName::table_recreated ? Severity::error : Severity::warning;
  };
  const auto known = remembered.tables;
  TableLedger ledger{std::move(remembered), nullptr};
  for (auto& change : look(config, source, ledger)) {
    add(change.ordinary ? Severity::info : severity_of(change.name), change.name, change.table, std::move(change.text));
  }
  const auto now = ledger.known();
  for (const auto& [table, before] : known) {
    const auto state = now.at(table).state;
    if (state != before.state || !map_table(config.tables, table).target) continue;  // told above, or nobody asks
    if (state == TableState::left) {
      add(Severity::warning, ErrorName::table_left_publication, table, "the table has left the publications");
    } else if (state == TableState::recreated) {
      add(Severity::error, ErrorName::table_recreated, table,
          "another table has taken over the name, and its changes are not accepted");
    }
  }
  return findings;
}

std::vector<TableStatus> table_status(const Config& config, const KnownTables& known) {
  std::vector<TableStatus> tables;
  for (const auto& [table, entry] : known) {
    const auto mapping = map_table(config.tables, table);
    if (!mapping.target) continue;
    tables.push_back({table.display(), mapping.target->display(), std::string{text_of(entry.state)}});
  }
  return tables;
}

}  // namespace walgate::service
