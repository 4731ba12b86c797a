#include "migrate/draft_of_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace walgate::migrate {

namespace {

using compare::ColumnDescription;
using compare::Proposal;

/// Is there an assignment cast between the two, by which ALTER COLUMN TYPE needs no USING?
bool alters_by_itself(const compare::ColumnType& from, const compare::ColumnType& to, const TargetTypes& types) {
  constexpr std::uint32_t first_other_type = 10000;  // whose OIDs differ between servers
  constexpr auto strings = std::to_array<std::uint32_t>({25, 1042, 1043});
  if (from.array != to.array || to.leaf >= first_other_type) return false;
  const bool to_string = std::ranges::find(strings, to.leaf) != strings.end();
  return to_string || from.leaf == to.leaf ||
         std::ranges::find(types.casts, AssignmentCast{from.leaf, to.leaf}) != types.casts.end();
}

}  // namespace

std::string title_of(ErrorName name, const std::string& object, const std::string& text) {
  return fmt::format("{}: {}: {}", walgate::text_of(name), object, text);
}

void DraftOfTable::ask_all(const std::vector<std::string>& statements) {
  for (const auto& statement : statements) text_.ask(statement);
}

void DraftOfTable::run_all(const std::vector<std::string>& statements) {
  for (const auto& statement : statements) text_.run(statement);
}

std::size_t DraftOfTable::write() {
  if (table_.target == nullptr) {
    write_creation();
  } else {
    write_columns();
    write_key();
    for (const auto& observation : table_.observations) write_observation(observation);
  }
  return questions_;
}

// A table that is missing

std::vector<std::string> DraftOfTable::primary_key() const {
  std::vector<std::string> names;
  const auto index = std::ranges::find(table_.source.indexes, true, &compare::IndexDescription::primary);
  if (index == table_.source.indexes.end()) return names;
  for (const auto& column : index->columns) {
    const auto name = table_.mapping.target_column(column.name);
    const bool published =
        std::ranges::find(table_.relation.columns, column.name, &wire::Column::name) != table_.relation.columns.end();
    if (!name || !published) return {};
    names.push_back(*name);
  }
  return names;
}

std::vector<std::string> DraftOfTable::identity() const {
  std::vector<std::string> names;
  if (table_.relation.has_full_identity()) return names;
  for (const auto& column : table_.relation.columns) {
    if (!column.is_key) continue;
    const auto name = table_.mapping.target_column(column.name);
    if (!name) return {};
    names.push_back(*name);
  }
  return names;
}

std::string DraftOfTable::creation(bool in_lines, std::set<std::string>& lacking) const {
  const auto primary = primary_key();
  const auto key = identity();
  std::vector<std::string> items;
  for (const auto& streamed : table_.relation.columns) {
    const auto* column = table_.source.column(streamed.name);
    const auto name = table_.mapping.target_column(streamed.name);
    if (column == nullptr || !name) continue;
    const auto type = columns_.type_of(*column, table_.mapping, *name);
    if (!type.lacks.empty()) lacking.insert(type.lacks);
    auto item = fmt::format("{} {}", display_identifier(*name), type.text);
    if (column->collation == "pg_catalog.\"C\"" || column->collation == "pg_catalog.\"POSIX\"") {
      item += " COLLATE " + column->collation;
    }
    if (const auto value = columns_.default_of(*column)) item += " DEFAULT " + *value;
    if (column->not_null) item += " NOT NULL";
    items.push_back(std::move(item));
  }
  if (!primary.empty()) items.push_back(fmt::format("PRIMARY KEY ({})", compare::sql_list(primary)));
  const bool is_primary =
      std::set<std::string>{primary.begin(), primary.end()} == std::set<std::string>{key.begin(), key.end()};
  if (!key.empty() && !is_primary) items.push_back(fmt::format("UNIQUE ({})", compare::sql_list(key)));
  return in_lines ? fmt::format("CREATE TABLE {} (\n  {}\n)", target(), fmt::join(items, ",\n  "))
                  : fmt::format("CREATE TABLE {} ({})", target(), fmt::join(items, ", "));
}

void DraftOfTable::write_creation() {
  const auto& difference = table_.differences.front();
  text_.block(title_of(difference.name, difference.object, difference.text));
  const auto& schema = table_.mapping.target->schema;
  if (!input_.catalog.schemas.contains(schema)) {
    text_.note("The target has no such schema; decide whose it is to be:");
    text_.ask("CREATE SCHEMA " + display_identifier(schema));
    if (!input_.grantee.empty()) {
      text_.ask(fmt::format("GRANT USAGE ON SCHEMA {} TO {}", display_identifier(schema),
                            display_identifier(input_.grantee)));
    }
  }
  std::set<std::string> lacking;
  auto statement = creation(true, lacking);
  const auto grant = fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {} TO {}", target(),
                                 display_identifier(input_.grantee));
  if (table_.former) {
    ++questions_;
    text_.note(
        fmt::format("The source's table had another name, and its rows are in {}. Take one of the two: the table "
                    "follows under the new name, or begins anew and is copied.",
                    table_.former->display()));
    if (table_.former->schema != schema) {
      text_.ask(fmt::format("ALTER TABLE {} SET SCHEMA {}", table_.former->display(), display_identifier(schema)));
    }
    text_.ask(fmt::format("ALTER TABLE {} RENAME TO {}", QualifiedName{schema, table_.former->name}.display(),
                          display_identifier(table_.mapping.target->name)));
  }
  if (!table_.former && lacking.empty()) {
    text_.run(statement);
    if (!input_.grantee.empty()) text_.run(grant);
  } else {
    if (!lacking.empty()) {
      if (!table_.former) ++questions_;
      text_.note(fmt::format("The target has to have first: {}.", fmt::join(lacking, "; ")));
    }
    text_.ask(creation(false, lacking));
    if (!input_.grantee.empty()) text_.ask(grant);
  }
  text_.note("Further indexes and constraints are yours to choose.");
}

// Columns

DraftOfTable::Former DraftOfTable::former_names(const ColumnDescription& column, const std::string& type) const {
  const compare::TablePair pair{table_.relation, table_.mapping, table_.source, *table_.target};
  const auto is_free = [&](const ColumnDescription& each) {
    const bool is_own = each.generated != '\0' || each.identity != '\0' ||
                        (each.default_value && each.default_value->starts_with("nextval("));
    const bool computed_there = std::ranges::any_of(table_.source.columns, [&](const ColumnDescription& source) {
      return source.generated != '\0' && table_.mapping.target_column(source.name) == each.name;
    });
    return !is_own && !computed_there && pair.source_of(each.name) == nullptr;
  };
  Former former;
  const auto streamed = std::ranges::find(table_.relation.columns, column.name, &wire::Column::name);
  for (const auto& each : table_.target->columns) {
    if (!is_free(each)) continue;
    if (table_.seen == nullptr) {
      if (each.type.text == type) former.columns.push_back(each.name);
      continue;
    }
    const auto old = std::ranges::find(table_.seen->columns, each.name, &SeenColumn::target);
    if (old == table_.seen->columns.end()) continue;  // it has never been filled
    if (old->number == streamed->number) return {{each.name}, true};
    const bool is_gone =
        std::ranges::find(table_.relation.columns, old->number, &wire::Column::number) == table_.relation.columns.end();
    if (is_gone) former.columns.push_back(each.name);
  }
  return former;
}

void DraftOfTable::ask_to_rename(const Former& former, const std::string& column, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& each : former.columns) names.push_back(display_identifier(each));
  if (former.is_certain) {
    text_.note(
        fmt::format("The source has renamed the column: its values are in {} here. Rename that one, or map \"{}\" "
                    "to \"{}\" in columns of the configuration.",
                    names.front(), column, former.columns.front()));
  } else {
    text_.note(
        fmt::format("Is it a column of the target under a new name? {} {} filled by nothing any more. Take one of "
                    "these, not both: a column that is added does not hold what the old one holds.",
                    fmt::join(names, ", "), names.size() == 1 ? "is" : "are"));
  }
  for (const auto& each : former.columns) {
    asked_.insert(each);
    text_.ask(fmt::format("ALTER TABLE {} RENAME COLUMN {} TO {}", target(), display_identifier(each),
                          display_identifier(name)));
  }
}

void DraftOfTable::write_missing_column(const Difference& difference, const ColumnDescription& column) {
  const auto name = *table_.mapping.target_column(column.name);
  const auto added = columns_.add(column, table_.mapping, name, table_.source.name);
  const auto former = former_names(column, columns_.type_of(column, table_.mapping, name).text);
  text_.block(title_of(difference.name, difference.object, difference.text));
  if (!former.columns.empty()) ask_to_rename(former, column.name, name);
  const bool is_question = !former.columns.empty() || !added.lacks.empty();
  if (is_question) {
    ++questions_;
    asked_.insert(name);
  }
  if (former.is_certain) return;
  for (const auto& note : added.notes) text_.note(note);
  if (!added.lacks.empty()) text_.note(fmt::format("The target has to have first: {}.", added.lacks));
  is_question ? ask_all(added.statements) : run_all(added.statements);
  ask_all(added.later);
}

/// What has happened to a column that is not missing.
void DraftOfTable::write_change(const Difference& difference) {
  const auto object_of = [&](const std::string& column) {
    return table_.source.name.display() + "." + display_identifier(column);
  };
  const auto seen = std::ranges::find_if(
      table_.seen->columns, [&](const SeenColumn& column) { return difference.object == object_of(column.name); });
  if (seen == table_.seen->columns.end()) {  // it is told by its new name
    const auto renamed = std::ranges::find_if(table_.source.columns, [&](const ColumnDescription& each) {
      return difference.object == object_of(each.name);
    });
    const auto target_name =
        renamed == table_.source.columns.end() ? std::nullopt : table_.mapping.target_column(renamed->name);
    if (target_name && is_asked_about(*target_name)) return;
    ++questions_;
    text_.block(title_of(difference.name, difference.object, difference.text));
    text_.note(difference.remedy);
    return;
  }
  if (is_asked_about(seen->target)) return;
  if (difference.name == ErrorName::column_altered && is_altered(seen->target)) return;
  const auto alter = fmt::format("ALTER TABLE {} ", target());
  const auto name = display_identifier(seen->target);
  const auto* column = table_.source.column(seen->name);
  const bool is_dropped = difference.name == ErrorName::column_dropped || difference.name == ErrorName::column_renamed;
  if (!is_dropped && column == nullptr) return;
  ++questions_;
  asked_.insert(seen->target);
  text_.block(title_of(difference.name, difference.object, difference.text));
  text_.note(difference.remedy);
  if (is_dropped) {
    text_.ask(alter + "DROP COLUMN " + name);
  } else if (difference.name == ErrorName::column_recreated) {
    text_.ask(alter + "DROP COLUMN " + name);
    const auto added = columns_.add(*column, table_.mapping, seen->target, table_.source.name);
    for (const auto& note : added.notes) text_.note(note);
    ask_all(added.statements);
  } else {
    text_.ask(fmt::format("{}ALTER COLUMN {} TYPE {}", alter, name,
                          columns_.type_of(*column, table_.mapping, seen->target).text));
  }
}

void DraftOfTable::write_misfit(const Difference& difference) {
  const compare::TablePair pair{table_.relation, table_.mapping, table_.source, *table_.target};
  const auto found = std::ranges::find_if(table_.target->columns, [&](const ColumnDescription& column) {
    return difference.object == target_column(column.name);
  });
  text_.block(title_of(difference.name, difference.object, difference.text));
  const auto* column = found == table_.target->columns.end() ? nullptr : &*found;
  const auto* source = column == nullptr ? nullptr : pair.source_of(column->name);
  if (source == nullptr) {
    ++questions_;
    text_.note(difference.remedy);
    return;
  }
  const auto alter = fmt::format("ALTER TABLE {} ALTER COLUMN {} ", target(), display_identifier(column->name));
  if (column->generated != '\0') {
    ++questions_;
    text_.note(difference.remedy + "; or let the target's column be an ordinary one:");
    text_.ask(alter + "DROP EXPRESSION");
    return;
  }
  const auto type = columns_.type_of(*source, table_.mapping, column->name);
  const bool is_sure = type.lacks.empty() && !table_.mapping.cast(column->name) && type.text == source->type.base_text;
  if (is_sure && alters_by_itself(column->type, source->type, input_.types)) {
    altered_.insert(column->name);
    text_.note("The table is rewritten, and nobody else can use it meanwhile.");
    text_.run(alter + "TYPE " + type.text);
    return;
  }
  ++questions_;
  asked_.insert(column->name);
  text_.note(difference.remedy);
  if (!type.lacks.empty()) text_.note(fmt::format("The target has to have first: {}.", type.lacks));
  text_.note(
      fmt::format("How do values of type {} become those of type {}? They have to be what the source made of them.",
                  column->type.text, type.text));
  text_.ask(fmt::format("{}TYPE {} USING …", alter, type.text));
}

void DraftOfTable::write_required(const Difference& difference) {
  const auto column = std::ranges::find_if(table_.target->columns, [&](const ColumnDescription& each) {
    return difference.object == target_column(each.name);
  });
  if (column == table_.target->columns.end() || is_asked_about(column->name)) return;  // the question is about it
  text_.block(title_of(difference.name, difference.object, difference.text));
  const auto table = target();
  const auto name = display_identifier(column->name);
  const bool in_primary_key = std::ranges::any_of(table_.target->indexes, [&](const compare::IndexDescription& index) {
    return index.primary &&
           std::ranges::find(index.columns, column->name, &compare::IndexColumn::name) != index.columns.end();
  });
  if (in_primary_key) {
    ++questions_;
    text_.note("It is part of the primary key. " + difference.remedy + ".");
    text_.ask(fmt::format("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT …", table, name));
  } else {
    text_.run(fmt::format("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", table, name));
    text_.note("Or, where nobody needs what it holds:");
  }
  text_.ask(fmt::format("ALTER TABLE {} DROP COLUMN {}", table, name));
}

void DraftOfTable::write_columns() {
  for (const auto& difference : table_.differences) {
    if (difference.name == ErrorName::target_column_missing) {
      const auto column = std::ranges::find_if(table_.source.columns, [&](const ColumnDescription& each) {
        return difference.object == table_.source.name.display() + "." + display_identifier(each.name);
      });
      if (column == table_.source.columns.end() || !table_.mapping.target_column(column->name)) continue;  // a rule's
      write_missing_column(difference, *column);
    } else if (difference.name == ErrorName::incompatible_type) {
      write_misfit(difference);
    }
  }
  for (const auto& difference : table_.changes) write_change(difference);
  for (const auto& difference : table_.differences) {
    if (difference.name == ErrorName::required_column_unfilled) write_required(difference);
  }
}

bool DraftOfTable::is_altered(const std::string& column) const {
  return altered_.contains(column) || std::ranges::any_of(table_.observations, [&](const auto& observation) {
           return observation.finding.name == ErrorName::type_differs && observation.proposal == Proposal::run &&
                  observation.finding.object == target_column(column);
         });
}

// The key, and what the comparison has found

bool DraftOfTable::has_key_over(const std::vector<std::string>& columns) const {
  return std::ranges::any_of(table_.target->indexes, [&](const compare::IndexDescription& index) {
    return index.unique && index.valid && index.immediate && index.predicate.empty() && index.method == "btree" &&
           std::ranges::all_of(index.columns, [&](const compare::IndexColumn& column) {
             return std::ranges::find(columns, column.name) != columns.end();
           });
  });
}

void DraftOfTable::write_key() {
  // Columns that are only being added have kept the plan from looking for their key.
  const auto key = identity();
  if (key.empty() || has_key_over(key)) return;
  text_.block(title_of(
      ErrorName::key_missing_on_target, target(),
      fmt::format("no usable unique index over ({}), by which the source identifies rows", compare::sql_list(key))));
  const auto statement = fmt::format("CREATE UNIQUE INDEX ON {} ({})", target(), compare::sql_list(key));
  if (std::ranges::any_of(key, [&](const auto& column) { return is_asked_about(column); })) {
    text_.note("Once the question about its columns is decided:");
    text_.ask(statement);
  } else {
    text_.run(statement);
  }
}

void DraftOfTable::write_observation(const compare::Observation& observation) {
  const auto& [finding, proposal, statements] = observation;
  if (proposal == Proposal::none) return;
  // What was filled once is told by itself, and the rest is the target's own.
  if (finding.name == ErrorName::column_only_on_target && table_.seen != nullptr) return;
  std::vector<std::string> wanted;
  for (const auto& statement : statements) {
    const bool is_asked = std::ranges::any_of(asked_, [&](const std::string& column) {
      return statement == fmt::format("ALTER TABLE {} DROP COLUMN {}", target(), display_identifier(column));
    });
    if (!is_asked && done_.insert(statement).second) wanted.push_back(statement);
  }
  if (wanted.empty()) return;
  text_.block(title_of(finding.name, finding.object, finding.finding));
  if (finding.name == ErrorName::type_differs)
    text_.note("The table may be rewritten, and nobody else can use it meanwhile.");
  if (proposal == Proposal::run) {
    run_all(wanted);
  } else {
    text_.note("Only if that is wanted:");
    ask_all(wanted);
  }
}

}  // namespace walgate::migrate
