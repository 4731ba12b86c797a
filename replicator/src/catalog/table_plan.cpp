#include "catalog/table_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace walgate {

namespace {

/// Objects below this OID are the same on every server of a version (access/transam.h, FirstGenbkiObjectId).
constexpr std::uint32_t first_user_type = 10000;
constexpr std::uint32_t text_oid = 25;

/// The type that a value of this column arrives as, or nullopt when the target knows none.
std::optional<std::uint32_t> arrival_type(const wire::Column& column, const TargetTypes& types,
                                          const TargetColumn& target) {
  if (column.type_oid < first_user_type) return column.type_oid;
  const auto found = types.by_name.find({column.type_schema, column.type_name});
  if (found != types.by_name.end()) return found->second;
  if (target.extension_type == column.type_name) return target.type_oid;  // the extension lives in another schema there
  if (column.type_kind == 'e') return text_oid;                   // an enum's binary form is its label
  if (column.base_oid < first_user_type) return column.base_oid;  // a domain's is that of its base
  return std::nullopt;
}

class Planner {
 public:
  Planner(const wire::Relation& relation, const TableMapping& mapping, const TargetTable& table,
          const TargetTypes& types)
      : relation_{relation}, mapping_{mapping}, table_{table}, types_{types} {
    plan_.source = {relation.schema, relation.name};
    plan_.target = table.name;
    plan_.target_oid = table.oid;
    plan_.only_allowed = table.relkind != 'p';
    plan_.on_missing = mapping.on_missing();
    plan_.on_duplicate = mapping.on_duplicate();
  }

  std::pair<TablePlan, std::vector<Difference>> make() {
    check_names_of_rule();
    for (std::uint16_t i = 0; i < relation_.columns.size(); ++i) plan_column(i);
    check_required_columns();
    choose_key();
    plan_.is_referred = !table_.referring_keys.empty();
    for (const auto& column : table_.columns) {
      if (column.generated ||
          std::ranges::find(plan_.columns, column.name, &PlannedColumn::target) != plan_.columns.end())
        continue;
      plan_.other_columns.push_back(column.name);
    }
    return {std::move(plan_), std::move(differences_)};
  }

 private:
  void differ(ErrorName name, std::string object, std::string text, std::string remedy, const std::string& entry = {}) {
    const auto path = mapping_.rule == nullptr ? std::string{} : mapping_.rule->path + entry;
    differences_.push_back({name, std::move(object), std::move(text), std::move(remedy), path});
  }

  /// ".columns.NAME" where the rule renames the source column, ".cast.NAME" where it casts the target column.
  std::string entry_of_column(const std::string& source, const std::string& target) const {
    if (mapping_.rule == nullptr) return {};
    if (mapping_.rule->cast.contains(target)) return ".cast." + target;
    return mapping_.rule->columns.contains(source) ? ".columns." + source : std::string{};
  }

  std::string source_name(const std::string& column) const {
    return plan_.source.display() + "." + display_identifier(column);
  }
  std::string target_name(const std::string& column) const {
    return plan_.target.display() + "." + display_identifier(column);
  }

  /// A rule for one table must not name columns that are not there; a rule with a pattern may.
  void check_names_of_rule() {
    if (mapping_.rule == nullptr || mapping_.rule->source.has_wildcard()) return;
    for (const auto& [source, target] : mapping_.rule->columns) {
      if (std::ranges::find(relation_.columns, source, &wire::Column::name) == relation_.columns.end()) {
        differ(ErrorName::source_column_missing, source_name(source),
               "the rule names a column that the source does not publish", "correct the name, or publish the column",
               ".columns." + source);
      }
    }
    for (const auto& [target, type] : mapping_.rule->cast) {
      if (table_.column(target) == nullptr) {
        differ(ErrorName::target_column_missing, target_name(target),
               "the rule casts a column that the target does not have", "correct the name", ".cast." + target);
      }
    }
  }

  void plan_column(std::uint16_t index) {
    const auto& column = relation_.columns[index];
    const std::uint16_t key_index = keys_seen_;
    if (column.is_key) ++keys_seen_;
    const auto wanted = mapping_.target_column(column.name);
    if (!wanted) return;
    const auto* target = table_.column(*wanted);
    if (target == nullptr) {
      differ(ErrorName::target_column_missing, source_name(column.name),
             fmt::format("the target table {} has no column {}", plan_.target.display(), display_identifier(*wanted)),
             "add the column by a migration, or map it to another name or to null",
             entry_of_column(column.name, *wanted));
      return;
    }
    if (target->generated && !column.is_key) {
      differ(ErrorName::incompatible_type, target_name(*wanted), "the target column is generated and cannot be written",
             "map the source column to null", entry_of_column(column.name, *wanted));
      return;
    }
    PlannedColumn planned{.source = index, .source_key = key_index, .target = *wanted};
    planned.is_key = column.is_key;
    planned.identity_always = target->identity_always;
    planned.locate_only = target->generated;
    if (const auto cast = mapping_.cast(*wanted)) {
      const auto type = types_.cast_types.find(*cast);
      if (type == types_.cast_types.end()) {
        differ(ErrorName::incompatible_type, target_name(*wanted),
               fmt::format("the rule casts to the type {}, which the target does not have", *cast),
               "correct the name; a type outside of pg_catalog is written with its schema", ".cast." + *wanted);
        return;
      }
      planned.cast = type->second;
    }
    planned.binary = column.format == wire::ValueFormat::binary;
    if (!planned.binary) {
      // Text goes through the input function of the type it is for.
      planned.parameter_type = planned.cast.empty() ? target->type_oid : text_oid;
    } else if (const auto arrives = arrival_type(column, types_, *target)) {
      planned.parameter_type = *arrives;
      if (planned.cast.empty() && !types_.assignable(*arrives, *target)) {
        differ(ErrorName::incompatible_type, target_name(*wanted),
               fmt::format("{} cannot be stored in a column of type {} without an explicit cast", type_text(column),
                           target->type_text),
               fmt::format("change the type, or give \"cast\": {{\"{}\": \"{}\"}} for this table", *wanted,
                           target->type_text),
               entry_of_column(column.name, *wanted));
        return;
      }
    } else {
      differ(ErrorName::incompatible_type, target_name(*wanted),
             fmt::format("the target database has no {}", type_text(column)),
             "create the type on the target, or leave the column out", entry_of_column(column.name, *wanted));
      return;
    }
    planned.type_text = target->type_name;
    planned.full_type = target->type_text;
    if (target->base_oid != target->type_oid) planned.compared_as = target->base_name;
    planned.other_type = planned.parameter_type != target->type_oid;
    // A text value travels in an array as text and is converted by the statement.
    const auto array = types_.array_types.find(planned.binary ? planned.parameter_type : text_oid);
    if (array != types_.array_types.end()) planned.array_type = array->second;
    plan_.columns.push_back(std::move(planned));
  }

  static std::string type_text(const wire::Column& column) {
    return column.type_schema == "pg_catalog" ? "type " + column.type_name
                                              : "type " + QualifiedName{column.type_schema, column.type_name}.display();
  }

  void check_required_columns() {
    for (const auto& column : table_.columns) {
      if (!column.not_null || column.has_default || column.generated) continue;
      const bool filled = std::ranges::any_of(plan_.columns, [&](const auto& p) { return p.target == column.name; });
      // A column that was to be filled but does not fit has its difference already.
      const bool reported = std::ranges::any_of(
          relation_.columns, [&](const auto& source) { return mapping_.target_column(source.name) == column.name; });
      if (!filled && !reported) {
        differ(ErrorName::required_column_unfilled, target_name(column.name),
               "the target column is NOT NULL without a default, and nothing in the stream fills it",
               "give it a default, drop NOT NULL, or map a source column to it");
      }
    }
  }

  /// The row is found by the source's identity columns, which need a unique key on the target.  With identity full the
  /// target's own primary key serves, since every old value is sent.
  void choose_key() {
    if (relation_.has_full_identity()) {
      const auto primary = std::ranges::find(table_.keys, true, &TargetKey::primary);
      plan_.by_image = true;
      if (primary == table_.keys.end()) return;
      for (auto& column : plan_.columns) {
        column.is_key = std::ranges::find(primary->columns, column.target) != primary->columns.end();
      }
      compare_as(*primary);
      const auto mapped = std::ranges::count(plan_.columns, true, &PlannedColumn::is_key);
      plan_.has_key = static_cast<std::size_t>(mapped) == primary->columns.size();
      return;
    }
    if (relation_.key_columns == 0) return;
    std::set<std::string> identity;
    for (const auto& column : plan_.columns) {
      if (column.is_key) identity.insert(column.target);
    }
    if (identity.size() != relation_.key_columns) {
      for (const auto& column : relation_.columns) {
        if (column.is_key && !mapping_.target_column(column.name)) {
          differ(ErrorName::key_missing_on_target, source_name(column.name),
                 "the column is part of the replica identity and cannot be left out", "map it to a target column",
                 ".columns." + column.name);
        }
      }
      return;
    }
    const auto key = std::ranges::find_if(table_.keys, [&](const TargetKey& candidate) {
      return std::ranges::all_of(candidate.columns, [&](const auto& name) { return identity.contains(name); });
    });
    plan_.has_key = key != table_.keys.end();
    if (plan_.has_key) {
      compare_as(*key);
    } else {
      differ(ErrorName::key_missing_on_target, plan_.target.display(),
             fmt::format("no usable unique index over ({}), by which the source identifies rows",
                         fmt::join(identity, ", ")),
             "add a primary key or a unique index that is not deferrable, not partial and has no expressions");
    }
  }

  /// Key columns are compared as the index does it: citext's equality is not in pg_catalog, and search_path is empty.
  void compare_as(const TargetKey& key) {
    plan_.conflict_columns = key.columns;
    for (std::size_t i = 0; i < key.columns.size() && i < key.equality.size(); ++i) {
      const auto column = std::ranges::find(plan_.columns, key.columns[i], &PlannedColumn::target);
      if (column != plan_.columns.end()) column->equality = key.equality[i];
    }
  }

  const wire::Relation& relation_;
  const TableMapping& mapping_;
  const TargetTable& table_;
  const TargetTypes& types_;
  TablePlan plan_;
  std::vector<Difference> differences_;
  std::uint16_t keys_seen_ = 0;
};

/// Collects the text and the parameters of one statement.
class Builder {
 public:
  explicit Builder(const TablePlan& plan) : plan_{plan} {}

  /// "$3" or "$3::varchar(10)": the next parameter, a value of planned column `index`.
  std::string value(std::size_t index, bool old_image) {
    const auto& column = plan_.columns[index];
    statement_.types.push_back(column.parameter_type);
    statement_.parameters.push_back({static_cast<std::uint16_t>(index), old_image});
    auto text = fmt::format("${}", statement_.parameters.size());
    if (!column.cast.empty()) text += "::" + column.cast;
    return text;
  }
  /// " WHERE key = $4 AND …"
  std::string where_key(bool old_image) {
    std::string text = " WHERE ";
    bool first = true;
    for (std::size_t i = 0; i < plan_.columns.size(); ++i) {
      if (!plan_.columns[i].is_key) continue;
      if (!first) text += " AND ";
      const auto& column = plan_.columns[i];
      text += fmt::format("{} {} {}", compared(i), column.equality, value(i, old_image));
      // The operator of the index compares two values of the column's own type.
      if (!column.compared_as.empty()) {
        text += "::" + column.compared_as;
      } else if (column.other_type && column.cast.empty()) {
        text += "::" + column.type_text;
      }
      first = false;
    }
    return text;
  }
  /// The key column as it is compared; the cast of a domain to its base is none that an index would mind.
  std::string compared(std::size_t index) const {
    const auto& column = plan_.columns[index];
    return quote_identifier(column.target) + (column.compared_as.empty() ? "" : "::" + column.compared_as);
  }
  /// "$3": the next parameter, an array of values of planned column `index`; empty when there is no such array.
  std::string array(std::size_t index, bool old_image) {
    const auto& column = plan_.columns[index];
    if (column.array_type == 0) return {};
    statement_.types.push_back(column.array_type);
    statement_.parameters.push_back({static_cast<std::uint16_t>(index), old_image});
    return fmt::format("${}", statement_.parameters.size());
  }
  /// "u.c3" with the conversion that the column needs.
  std::string element(std::size_t index) const {
    const auto& column = plan_.columns[index];
    const auto& type = !column.cast.empty() ? column.cast : column.binary ? std::string{} : column.type_text;
    return fmt::format("u.c{}{}{}", index, type.empty() ? "" : "::", type);
  }
  Statement finish(std::string sql) {
    statement_.sql = std::move(sql);
    return std::move(statement_);
  }

 private:
  const TablePlan& plan_;
  Statement statement_;
};

}  // namespace

bool TargetTypes::assignable(std::uint32_t from, const TargetColumn& to) const noexcept {
  if (from == to.type_oid || from == to.base_oid || to.category == 'S') return true;
  return std::ranges::find(casts, AssignmentCast{from, to.base_oid}) != casts.end();
}

std::pair<TablePlan, std::vector<Difference>> plan_table(const wire::Relation& relation, const TableMapping& mapping,
                                                         const TargetTable* table, const TargetTypes& types) {
  if (!mapping.target) {
    TablePlan plan;
    plan.source = {relation.schema, relation.name};
    plan.left_out = true;
    return {std::move(plan), {}};
  }
  if (table == nullptr) {
    Difference difference{ErrorName::target_table_missing, QualifiedName{relation.schema, relation.name}.display(),
                          fmt::format("the target has no table {}", mapping.target->display()),
                          "create the table by a migration, or map the source table to another name or to null",
                          mapping.rule == nullptr ? std::string{} : mapping.rule->path};
    return {TablePlan{}, {std::move(difference)}};
  }
  return Planner{relation, mapping, *table, types}.make();
}

Statement TablePlan::insert() const {
  Builder builder{*this};
  std::vector<std::string> names;
  std::vector<std::string> values;
  std::vector<std::string> assignments;
  std::vector<std::string> fixed;  // cannot be set, so they must be the same
  bool overriding = false;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].locate_only) continue;
    const auto name = quote_identifier(columns[i].target);
    names.push_back(name);
    values.push_back(builder.value(i, false));
    overriding = overriding || columns[i].identity_always;
    if (std::ranges::find(conflict_columns, columns[i].target) != conflict_columns.end()) continue;
    if (columns[i].identity_always) {
      fixed.push_back(fmt::format("t.{0} IS NOT DISTINCT FROM EXCLUDED.{0}", name));
    } else {
      assignments.push_back(fmt::format("{0} = EXCLUDED.{0}", name));
    }
  }
  auto sql = fmt::format("INSERT INTO {} AS t ({}){} VALUES ({})", target.quoted(), fmt::join(names, ", "),
                         overriding ? " OVERRIDING SYSTEM VALUE" : "", fmt::join(values, ", "));
  if (on_duplicate != OnDuplicate::stop && !conflict_columns.empty()) {
    std::vector<std::string> keys;
    for (const auto& column : conflict_columns) keys.push_back(quote_identifier(column));
    const bool overwrite = on_duplicate == OnDuplicate::overwrite && !assignments.empty();
    sql += fmt::format(" ON CONFLICT ({}) DO {}", fmt::join(keys, ", "),
                       overwrite ? fmt::format("UPDATE SET {}{}{}", fmt::join(assignments, ", "),
                                               fixed.empty() ? "" : " WHERE ", fmt::join(fixed, " AND "))
                                 : "NOTHING");
  }
  return builder.finish(std::move(sql));
}

Statement TablePlan::update(const std::vector<bool>& unchanged, bool key_changed) const {
  if (moves_identity_key(key_changed)) return delete_and_insert(unchanged, key_changed);
  Builder builder{*this};
  std::vector<std::string> assignments;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    // A key that did not change stays out of SET; the server refuses to set an identity column at all.
    if (unchanged[i] || (columns[i].is_key && !key_changed) || columns[i].identity_always || columns[i].locate_only)
      continue;
    assignments.push_back(quote_identifier(columns[i].target) + " = " + builder.value(i, false));
  }
  auto where = builder.where_key(key_changed);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    // What cannot be set must not have changed either: then the update hits no row, and somebody has to look.
    if (!columns[i].identity_always || columns[i].is_key || unchanged[i]) continue;
    where +=
        fmt::format(" AND {} IS NOT DISTINCT FROM {}", quote_identifier(columns[i].target), builder.value(i, false));
  }
  // With nothing to set the update still has to find its row.
  return builder.finish(assignments.empty()
                            ? fmt::format("SELECT 1 FROM {}{} FOR UPDATE", only(), where)
                            : fmt::format("UPDATE {} SET {}{}", only(), fmt::join(assignments, ", "), where));
}

Statement TablePlan::delete_and_insert(const std::vector<bool>& unchanged, bool key_changed) const {
  Builder builder{*this};
  std::vector<std::string> names;
  std::vector<std::string> values;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].locate_only) continue;
    names.push_back(quote_identifier(columns[i].target));
    values.push_back(unchanged[i] ? "gone." + names.back() : builder.value(i, false));
  }
  const auto where = builder.where_key(key_changed);
  for (const auto& column : other_columns) {
    names.push_back(quote_identifier(column));
    values.push_back("gone." + names.back());
  }
  return builder.finish(
      fmt::format("WITH gone AS (DELETE FROM {4}{1} RETURNING *) "
                  "INSERT INTO {0} ({2}) OVERRIDING SYSTEM VALUE SELECT {3} FROM gone",
                  target.quoted(), where, fmt::join(names, ", "), fmt::join(values, ", "), only()));
}

std::string TablePlan::only() const {
  return (only_allowed ? "ONLY " : "") + target.quoted();
}

namespace {

/// "one AS (SELECT …)": tableoid and ctid of a row that equals the old image.  Equality is that of bytes, because a
/// type's own may be coarser (numeric 1.0 and 1.00) or missing (json, point).
std::string one_row(const TablePlan& plan, Builder& builder) {
  std::vector<std::string> columns;
  std::vector<std::string> values;
  for (std::size_t i = 0; i < plan.columns.size(); ++i) {
    if (plan.columns[i].locate_only) continue;
    columns.push_back("t." + quote_identifier(plan.columns[i].target));
    values.push_back(fmt::format("({})::{}", builder.value(i, true), plan.columns[i].full_type));
  }
  return fmt::format(
      "one AS (SELECT t.tableoid AS o, t.ctid AS c FROM {} AS t WHERE pg_catalog.record_image_eq(ROW({}), ROW({})) "
      "LIMIT 1)",
      plan.only(), fmt::join(columns, ", "), fmt::join(values, ", "));
}

}  // namespace

Statement TablePlan::update_by_image() const {
  Builder builder{*this};
  const auto one = one_row(*this, builder);
  std::vector<std::string> assignments;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].identity_always || columns[i].locate_only) continue;
    assignments.push_back(quote_identifier(columns[i].target) + " = " + builder.value(i, false));
  }
  return builder.finish(
      fmt::format("WITH {} UPDATE {} AS t SET {} FROM one WHERE t.tableoid = one.o AND t.ctid = one.c", one, only(),
                  fmt::join(assignments, ", ")));
}

Statement TablePlan::delete_by_image() const {
  Builder builder{*this};
  const auto one = one_row(*this, builder);
  return builder.finish(
      fmt::format("WITH {} DELETE FROM {} AS t USING one WHERE t.tableoid = one.o AND t.ctid = one.c", one, only()));
}

bool TablePlan::moves_identity_key(bool key_changed) const noexcept {
  return key_changed && std::ranges::any_of(columns, [](const PlannedColumn& column) {
           return column.is_key && column.identity_always;
         });
}

Statement TablePlan::delete_row() const {
  Builder builder{*this};
  auto sql = "DELETE FROM " + only() + builder.where_key(true);
  return builder.finish(std::move(sql));
}

std::optional<Statement> TablePlan::insert_set() const {
  Builder builder{*this};
  std::vector<std::string> names;
  std::vector<std::string> arrays;
  std::vector<std::string> aliases;
  std::vector<std::string> values;
  bool overriding = false;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].locate_only) continue;
    names.push_back(quote_identifier(columns[i].target));
    arrays.push_back(builder.array(i, false));
    if (arrays.back().empty()) return std::nullopt;
    aliases.push_back(fmt::format("c{}", i));
    values.push_back(builder.element(i));
    overriding = overriding || columns[i].identity_always;
  }
  return builder.finish(fmt::format("INSERT INTO {} ({}){} SELECT {} FROM unnest({}) AS u({})", target.quoted(),
                                    fmt::join(names, ", "), overriding ? " OVERRIDING SYSTEM VALUE" : "",
                                    fmt::join(values, ", "), fmt::join(arrays, ", "), fmt::join(aliases, ", ")));
}

std::optional<Statement> TablePlan::delete_set() const {
  Builder builder{*this};
  std::vector<std::string> arrays;
  std::vector<std::string> aliases;
  std::vector<std::string> conditions;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!columns[i].is_key) continue;
    arrays.push_back(builder.array(i, true));
    if (arrays.back().empty()) return std::nullopt;
    aliases.push_back(fmt::format("c{}", i));
    const auto& compared_as = columns[i].compared_as;
    const bool converts = columns[i].other_type && columns[i].binary && columns[i].cast.empty();
    conditions.push_back(fmt::format("t.{} {} {}{}", builder.compared(i), columns[i].equality, builder.element(i),
                                     !compared_as.empty() ? "::" + compared_as
                                     : converts           ? "::" + columns[i].type_text
                                                          : ""));
  }
  return builder.finish(fmt::format("DELETE FROM {} AS t USING unnest({}) AS u({}) WHERE {}", only(),
                                    fmt::join(arrays, ", "), fmt::join(aliases, ", "), fmt::join(conditions, " AND ")));
}

std::string TablePlan::key_names() const {
  std::vector<std::string> names;
  for (const auto& column : columns) {
    if (column.is_key || (by_image && !has_key)) names.push_back(display_identifier(column.target));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace walgate
