#include "service/start_checks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>

#include "apply/target_catalog.hpp"
#include "apply/target_session.hpp"
#include "catalog/table_plan.hpp"
#include "migrate/own_tables.hpp"
#include "service/catalog_comparison.hpp"
#include "stream/source_catalog.hpp"

namespace walgate::service {

namespace {

/// Who has the position.
const char* sink_of(const Config& config) {
  return config.has_target() ? "target" : "mirror";
}

std::string slot_text(const Config& config) {
  return fmt::format("slot \"{}\"", config.source.slot);
}

void check_slot(const Config& config, const Situation& now, Findings& findings) {
  if (!now.slot) {
    findings.error(
        ErrorName::slot_missing, slot_text(config),
        now.registration
            ? fmt::format("the slot is gone, and with it the changes since the {}'s position", sink_of(config))
            : "the source has no such logical slot",
        now.registration && config.has_target()
            ? "the target has to be filled anew: `walgate remove --keep-slot`, create the slot, fill the tables, "
              "`walgate init`"
            : fmt::format("on the source: SELECT walgate.create_slot('{}')", config.source.slot));
    return;
  }
  const auto& slot = *now.slot;
  if (slot.plugin != "walgate") {
    findings.error(ErrorName::slot_of_other_plugin, slot_text(config),
                   fmt::format("the slot belongs to the output plugin \"{}\"", slot.plugin));
  }
  if (slot.database != now.source.database_name) {
    findings.error(ErrorName::slot_of_other_database, slot_text(config),
                   fmt::format("the slot is of database \"{}\", the connection is to \"{}\"", slot.database,
                               now.source.database_name));
  }
  if (slot.wal_status == "lost") {
    findings.error(ErrorName::slot_invalidated, slot_text(config), "the server has removed WAL that the slot needs");
  }
}

void check_publications(const Config& config, const Situation& now, Findings& findings) {
  for (const auto& name : config.source.publications) {
    if (std::ranges::find(now.publications, name) == now.publications.end()) {
      findings.error(ErrorName::publication_missing, fmt::format("publication \"{}\"", name),
                     fmt::format("database \"{}\" of the source has no such publication", now.source.database_name));
    }
  }
}

void check_encodings(const Situation& now, Findings& findings) {
  // UTF8 holds every other encoding, and SQL_ASCII takes any bytes for what they are.
  if (now.target_encoding == "SQL_ASCII" || now.target_encoding == now.source.encoding) return;
  if (now.target_encoding == "UTF8" && now.source.encoding != "SQL_ASCII") return;
  findings.add(Severity::warning, ErrorName::encoding_narrower, "target",
               fmt::format("the target's database has encoding {}, the source's {}: a value with a character that {} "
                           "does not have stops the stream",
                           now.target_encoding, now.source.encoding, now.target_encoding));
}

/// Why the slot is ahead of the target, as far as the server's statistics tell.
void slot_is_ahead(const Config& config, const Situation& now, Findings& findings) {
  const auto where = fmt::format("the slot stands at {}, the {} at {}: what lies between is lost for it",
                                 now.slot->confirmed_flush.text(), sink_of(config), now.progress->position.text());
  const auto known = now.progress->slot_transactions;
  if (now.slot->transactions < known || (now.slot->transactions == 0 && now.slot->restart > now.progress->position)) {
    findings.error(ErrorName::slot_recreated, slot_text(config), "the slot was dropped and created again; " + where);
  } else if (now.slot->transactions > known && config.has_target()) {
    findings.error(ErrorName::target_restored, fmt::format("pipeline \"{}\"", config.pipeline),
                   "the target was restored to an older state, or something else has read from the slot; " + where);
  } else {
    findings.error(ErrorName::slot_advanced, slot_text(config),
                   "somebody else has advanced the slot, or read from it; " + where);
  }
}

void check_registration(const Config& config, const Situation& now, Findings& findings) {
  const auto& known = *now.registration;
  const auto pipeline = fmt::format("pipeline \"{}\"", config.pipeline);
  if (known.target_system != now.target.system || known.target_database != now.target.database) {
    findings.error(ErrorName::other_target_system, pipeline,
                   "the target is a copy of the one that was registered: its walgate tables came from another cluster "
                   "or database");
  }
  if (known.source_system != now.source.system || known.source_database != now.source.database) {
    findings.error(
        ErrorName::other_source_system, pipeline,
        fmt::format("the source is another cluster or database (system identifier {}, database oid {}) than the "
                    "registered one ({}, {})",
                    now.source.system, now.source.database, known.source_system, known.source_database));
    return;
  }
  if (known.slot != config.source.slot) {
    findings.error(ErrorName::pipeline_exists_elsewhere, pipeline,
                   fmt::format("the pipeline is registered with the slot \"{}\", the configuration says \"{}\"",
                               known.slot, config.source.slot));
    return;
  }
  if (known.source_timeline != now.source.timeline) {
    findings.error(ErrorName::source_restored, "source",
                   fmt::format("the source is on timeline {} and was on {}: it was restored or has failed over",
                               now.source.timeline, known.source_timeline));
    return;
  }
  if (now.progress && now.progress->position > now.source.flushed) {
    findings.error(
        ErrorName::source_restored, "source",
        fmt::format("the source's WAL ends at {}, before the {}'s position {}: the source was restored to an older "
                    "state",
                    now.source.flushed.text(), sink_of(config), now.progress->position.text()));
    return;
  }
  if (wants_replica_role(config, now) != known.replica_role) {
    findings.error(
        ErrorName::rights_changed, pipeline,
        known.replica_role
            ? "the pipeline was registered to run with session_replication_role = replica, which its role may not "
              "set any more, or the configuration forbids"
            : "the pipeline was registered to run with foreign keys and triggers at work, and now its role could "
              "switch them off",
        "restore the right or the configuration, or register the pipeline anew by `walgate remove --keep-slot` and "
        "`walgate init` once both sides are equal");
  }
  if (now.slot && now.progress && now.slot->confirmed_flush > now.progress->position) {
    slot_is_ahead(config, now, findings);
  }
}

std::string joined(const std::vector<std::string>& items) {
  return fmt::format("{}", fmt::join(items, ", "));
}

void check_roles(const Config& config, const Situation& now, const TargetTable& table, Findings& findings) {
  const auto name = table.name.display();
  if (!table.missing_rights.empty()) {
    findings.error(
        ErrorName::target_role_not_allowed, name,
        fmt::format("our role on the target lacks {}", joined(table.missing_rights)),
        fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {} TO the role of target.conninfo, and USAGE on "
                    "its schema",
                    table.name.quoted()));
  }
  if (wants_replica_role(config, now)) {
    if (!table.ordinary_triggers.empty()) {
      findings.add(Severity::info, ErrorName::replica_role_switches_off, name,
                   fmt::format("triggers that do not fire for our changes: {}", joined(table.ordinary_triggers)),
                   "ALTER TABLE ... ENABLE ALWAYS TRIGGER where one should fire");
    }
    std::vector<std::string> foreign;
    for (const auto& key : table.referring_keys) {
      foreign.push_back(fmt::format("{} of {}", display_identifier(key.name), key.table.display()));
    }
    if (!foreign.empty()) {
      findings.add(
          Severity::info, ErrorName::replica_role_switches_off, name,
          fmt::format("foreign keys of tables outside of the pipeline, which our changes neither check nor follow: {}",
                      joined(foreign)),
          "keep those tables in step yourself, or set target.replica_role to \"never\"");
    }
    if (!table.deferrable_keys.empty()) {
      findings.add(Severity::warning, ErrorName::replica_role_switches_off, name,
                   fmt::format("deferrable unique constraints that are not enforced for our changes: {}",
                               joined(table.deferrable_keys)),
                   "make them not deferrable, or rely on the source to keep them");
    }
    return;
  }
  for (const auto& key : table.foreign_keys) {
    if (key.deferrable) continue;
    findings.add(
        Severity::warning, ErrorName::not_deferrable, name,
        fmt::format(
            "foreign key {} is checked at each statement; a command of the source that deletes or changes several "
            "related rows may be refused row by row",
            display_identifier(key.name)),
        fmt::format("ALTER TABLE {} ALTER CONSTRAINT {} DEFERRABLE, or let the role set session_replication_role",
                    table.name.quoted(), quote_identifier(key.name)));
  }
}

}  // namespace

bool wants_replica_role(const Config& config, const Situation& situation) noexcept {
  return config.target.replica_role == ReplicaRole::automatic && situation.may_replica_role;
}

Situation look_at_source(const Config& config, postgres::Connection& replication) {
  Situation now;
  now.source = stream::identify_source(replication);
  now.slot = stream::find_slot(replication, config.source.slot);
  // From 17 on the list of published tables waits for whoever has one of them locked.  Not for the session's life:
  // decoding, too, may have to wait for transactions.
  replication.exec("SET lock_timeout = '5s'");
  now.publications = stream::existing_publications(replication, config.source.publications);
  now.relations = stream::published_relations(replication, config.source.publications);
  now.money_types = stream::types_with_money(replication, config.source.publications);
  replication.exec("SET lock_timeout = 0");
  return now;
}

Situation look_around(const Config& config, postgres::Connection& replication, postgres::Connection& target) {
  auto now = look_at_source(config, replication);
  now.descriptions = read_source_descriptions(config, now.relations, replication);
  now.target = apply::identify_target(target);
  now.may_replica_role = apply::may_use_replica_role(target);
  now.may_mark_origin = apply::may_mark_origin(target);
  now.own_tables = migrate::missing_own_migrations(target).empty();
  now.may_create_tables = bool_field(
      target.exec(
          "SELECT coalesce((SELECT pg_catalog.has_schema_privilege(oid, 'CREATE') FROM pg_catalog.pg_namespace "
          "WHERE nspname = 'walgate'), pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'))"),
      0, 0);
  // Not our session's own setting.
  const auto settings = target.exec(
      "SELECT (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'lc_monetary'), "
      "pg_catalog.current_setting('server_encoding')");
  now.target_lc_monetary = text_field(settings, 0, 0);
  now.target_encoding = text_field(settings, 0, 1);
  if (now.own_tables) {
    now.registration = apply::find_registration(target, config.pipeline);
    if (now.registration) now.progress = apply::read_progress(target, config.pipeline);
  }
  return now;
}

std::vector<Finding> check_source_positions(const Config& config, const Situation& now) {
  Findings findings;
  if (now.source.in_recovery) {
    findings.error(ErrorName::source_in_recovery, "source", "the source is a standby");
  }
  check_slot(config, now, findings);
  check_publications(config, now, findings);
  if (now.registration) check_registration(config, now, findings);
  return findings.take();
}

std::vector<Finding> check_positions(const Config& config, const Situation& now) {
  Findings findings;
  if (!now.own_tables && config.migrations.conninfo) {
    findings.error(ErrorName::not_initialised, "schema walgate",
                   "walgate's tables are not on the target yet, or of an earlier release",
                   "run `walgate init`, which brings them up as the role of migrations.conninfo");
  } else if (!now.own_tables && !now.may_create_tables) {
    findings.error(ErrorName::target_role_not_allowed, "schema walgate",
                   "walgate's tables are not on the target yet, and our role may not create them",
                   "GRANT CREATE ON DATABASE to the role for the first start, or create the schema walgate and make "
                   "the role its owner");
  }
  if (!now.may_mark_origin) {
    findings.add(config.source.origin == Origin::none ? Severity::warning : Severity::info,
                 ErrorName::origin_not_marked, "target", "our role may not mark its commits with a replication origin");
  }
  for (auto& finding : check_source_positions(config, now)) findings.add(std::move(finding));
  if (now.same_cluster() && stream::is_synchronous_standby(now.source)) {
    findings.add(
        Severity::info, ErrorName::waits_for_itself, fmt::format("pipeline \"{}\"", config.pipeline),
        "source and target are one cluster, which waits for us before it answers a COMMIT: our own commits use "
        "synchronous_commit = local",
        "nothing to do");
  }
  return findings.take();
}

std::vector<Finding> check_mapping(const Config& config, const Situation& now, const std::set<QualifiedName>& may_wait,
                                   postgres::Connection& target) {
  Findings findings;
  check_encodings(now, findings);
  std::vector<QualifiedName> wanted;
  for (const auto& relation : now.relations) {
    const auto mapping = map_table(config.tables, {relation.schema, relation.name});
    if (mapping.target) wanted.push_back(*mapping.target);
  }
  auto tables = apply::read_tables(target, wanted);
  for (auto& [name, table] : tables) {  // a mapped child is in step with its parent by itself
    std::erase_if(table.referring_keys, [&](const TargetForeignKey& key) { return tables.contains(key.table); });
  }
  const auto types = apply::read_types(target, now.relations, config.tables);

  std::map<QualifiedName, QualifiedName> taken;  // target → source
  for (const auto& relation : now.relations) {
    const QualifiedName source{relation.schema, relation.name};
    const auto mapping = map_table(config.tables, source);
    if (!mapping.target) continue;
    const bool has_money = std::ranges::any_of(relation.columns, [&](const wire::Column& column) {
      return now.money_types.contains(column.type_oid) && mapping.target_column(column.name);
    });
    if (has_money && now.source.lc_monetary != now.target_lc_monetary) {
      findings.add(
          Severity::warning, ErrorName::incompatible_type, source.display(),
          fmt::format("type money travels as a bare number, which lc_monetary \"{}\" of the source and \"{}\" of the "
                      "target read differently",
                      now.source.lc_monetary, now.target_lc_monetary),
          "give both servers the same lc_monetary, or use numeric");
    }
    const auto path = mapping.rule == nullptr ? std::string{} : mapping.rule->path;
    const auto [other, is_new] = taken.emplace(*mapping.target, source);
    if (!is_new) {
      findings.error(ErrorName::two_sources_one_target, source.display(),
                     fmt::format("goes to {}, and so does {}", mapping.target->display(), other->second.display()), {},
                     path);
      continue;
    }
    const auto table = tables.find(*mapping.target);
    const auto* found = table == tables.end() ? nullptr : &table->second;
    if (found == nullptr && may_wait.contains(source)) {
      findings.add(Severity::warning, ErrorName::target_table_missing, source.display(),
                   fmt::format("the target has no table {}; the copy waits for it, and the service stops at the first "
                               "change",
                               mapping.target->display()));
      continue;
    }
    auto [plan, differences] = plan_table(relation, mapping, found, types);
    if (found != nullptr) {
      for (auto& difference : check_names_of_rule(relation, mapping, *found))
        differences.push_back(std::move(difference));
    }
    for (const auto& difference : differences) {
      findings.error(difference.name, difference.object, difference.text, difference.remedy, difference.path);
    }
    if (found != nullptr && differences.empty()) {
      // The server itself has the last word on every conversion.
      std::vector<Statement> statements{plan.insert()};
      if (plan.has_key) {
        statements.push_back(plan.update(std::vector<bool>(plan.columns.size(), false), false));
        statements.push_back(plan.delete_row());
      }
      for (const auto& statement : statements) {
        const auto refusal = target.try_prepare(statement.sql, statement.types);
        if (!refusal) continue;
        findings.error(ErrorName::incompatible_type, mapping.target->display(), *refusal, {}, path);
        break;
      }
    }
    if (found != nullptr) check_roles(config, now, *found, findings);
    if (now.same_database()) {
      const auto published = std::ranges::find_if(now.relations, [&](const auto& r) {
        return QualifiedName{r.schema, r.name} == *mapping.target;
      });
      if (published != now.relations.end()) {
        findings.error(ErrorName::target_table_published, mapping.target->display(),
                       "the target table is in our publication too: each change would feed the next", {}, path);
      }
    }
  }
  // A rule that names one table is a promise that the table is there.
  for (const auto& rule : config.tables) {
    if (rule.source.has_wildcard()) continue;
    const bool published = std::ranges::any_of(now.relations, [&](const auto& relation) {
      return rule.source.match({relation.schema, relation.name}).has_value();
    });
    if (!published) {
      findings.error(ErrorName::source_table_missing, rule.source.text(),
                     "the rule names a table that the publications do not hold", {}, rule.path + ".source");
    }
  }
  for (auto& finding : compare_catalogs(config, now, target)) findings.add(std::move(finding));
  return findings.take();
}

void may_wait_at_gate(std::vector<Finding>& findings) {
  constexpr auto gates = std::to_array<ErrorName>(
      {ErrorName::target_table_missing, ErrorName::target_column_missing, ErrorName::source_column_missing,
       ErrorName::incompatible_type, ErrorName::key_missing_on_target, ErrorName::required_column_unfilled});
  for (auto& finding : findings) {
    if (finding.severity == Severity::error && std::ranges::find(gates, finding.name) != gates.end()) {
      finding.severity = Severity::warning;
    }
  }
}

void throw_errors(const std::vector<Finding>& findings) {
  const auto first = std::ranges::find(findings, Severity::error, &Finding::severity);
  if (first == findings.end()) return;
  Failure failure{
      .name = first->name,
      .recovery = Recovery::stop,
      .message = fmt::format("{}{}: {}", first->path.empty() ? "" : first->path + ": ", first->object, first->finding),
      .remedy = first->remedy,
      .phase = "check"};
  for (auto finding = std::next(first); finding != findings.end(); ++finding) {
    if (finding->severity != Severity::error) continue;
    failure.detail +=
        fmt::format("{}{}: {}", failure.detail.empty() ? "also " : "; ", finding->object, finding->finding);
  }
  throw Error{std::move(failure)};
}

}  // namespace walgate::service
