#include "copy/sequences.hpp"

#include <fmt/format.h>

#include <map>
#include <optional>

#include "catalog/table_mapping.hpp"
#include "copy/ledger.hpp"

namespace walgate::copy {

namespace {

using postgres::text_field;

struct Sequence {
  QualifiedName name;
  std::optional<std::int64_t> value;  ///< nullopt: nobody has asked it yet
  std::int64_t increment = 1;
  bool may_read = false;
  bool may_set = false;
};
/// By table and column.
using Sequences = std::map<std::pair<QualifiedName, std::string>, Sequence>;

Sequences owned_sequences(postgres::Connection& server, const std::vector<QualifiedName>& tables) {
  const auto result = server.exec(
      "SELECT n.nspname, c.relname, a.attname, sn.nspname, s.relname, q.seqincrement, "
      "may.read, pg_catalog.has_sequence_privilege(s.oid, 'UPDATE'), "
      "CASE WHEN may.read THEN pg_catalog.pg_sequence_last_value(s.oid) END "
      "FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS t(s text, t text) "
      "JOIN pg_catalog.pg_namespace n ON n.nspname = t.s "
      "JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.t "
      "JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid "
      "AND d.classid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') "
      "JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S' "
      "JOIN pg_catalog.pg_sequence q ON q.seqrelid = s.oid "
      "JOIN pg_catalog.pg_namespace sn ON sn.oid = s.relnamespace "
      "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid "
      "CROSS JOIN LATERAL (SELECT pg_catalog.has_sequence_privilege(s.oid, 'USAGE, SELECT')) AS may(read)",
      {names_json(tables)});
  Sequences sequences;
  for (int row = 0; row < postgres::rows(result); ++row) {
    auto& sequence = sequences[{{text_field(result, row, 0), text_field(result, row, 1)}, text_field(result, row, 2)}];
    sequence.name = {text_field(result, row, 3), text_field(result, row, 4)};
    sequence.increment = number_field(result, row, 5);
    sequence.may_read = bool_field(result, row, 6);
    sequence.may_set = bool_field(result, row, 7);
    if (field(result, row, 8)) sequence.value = number_field(result, row, 8);
  }
  return sequences;
}

bool is_further(const Sequence& one, const Sequence& other) {
  if (!one.value) return false;
  if (!other.value) return true;
  return one.increment > 0 ? *one.value > *other.value : *one.value < *other.value;
}

}  // namespace

SequenceReport sync_sequences(const Config& config, postgres::Connection& source, postgres::Connection& target,
                              const std::vector<QualifiedName>& tables) {
  std::vector<QualifiedName> targets;
  for (const auto& table : tables) {
    if (const auto mapping = map_table(config.tables, table); mapping.target) targets.push_back(*mapping.target);
  }
  const auto there = owned_sequences(source, tables);
  const auto here = owned_sequences(target, targets);
  SequenceReport report;
  for (const auto& [place, sequence] : there) {
    const auto mapping = map_table(config.tables, place.first);
    const auto column = mapping.target ? mapping.target_column(place.second) : std::nullopt;
    const auto found = column ? here.find({*mapping.target, *column}) : here.end();
    if (found == here.end()) continue;
    const auto& own = found->second;
    if (!sequence.may_read) {
      report.not_set.push_back(
          fmt::format("{}: the role of the source may not read {}", own.name.display(), sequence.name.display()));
    } else if (!own.may_set || !own.may_read) {
      report.not_set.push_back(
          fmt::format("{}: GRANT ALL ON SEQUENCE {} to the role of the target", own.name.display(), own.name.quoted()));
    } else if (is_further(sequence, own)) {
      target.exec("SELECT pg_catalog.setval($1::regclass, $2::bigint)",
                  {own.name.quoted(), std::to_string(*sequence.value)});
      report.set.push_back(fmt::format("{} is at {} now, as {} of the source is", own.name.display(), *sequence.value,
                                       sequence.name.display()));
    }
  }
  return report;
}

}  // namespace walgate::copy
