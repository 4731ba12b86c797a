// table_statements.cpp - the SQL text of a table's statements.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "catalog/table_plan.hpp"

namespace walgate {

namespace {

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
  /// "t.key = u.c3": as where_key(), of a column that travels in an array.
  std::string element_is_key(std::size_t index) const {
    const auto& column = plan_.columns[index];
    const bool converts = column.other_type && column.binary && column.cast.empty();
    return fmt::format("t.{} {} {}{}", compared(index), column.equality, element(index),
                       !column.compared_as.empty() ? "::" + column.compared_as
                       : converts                  ? "::" + column.type_text
                                                   : "");
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

namespace {

/// " ON CONFLICT …" as the rule asks for; empty where a duplicate is an error.
std::string conflict_clause(const TablePlan& plan) {
  if (plan.on_duplicate == OnDuplicate::stop || plan.conflict_columns.empty()) return {};
  std::vector<std::string> keys;
  std::vector<std::string> assignments;
  std::vector<std::string> fixed;  // cannot be set, so they must be the same
  for (const auto& column : plan.conflict_columns) keys.push_back(quote_identifier(column));
  for (const auto& column : plan.columns) {
    if (column.locate_only || std::ranges::find(plan.conflict_columns, column.target) != plan.conflict_columns.end())
      continue;
    const auto name = quote_identifier(column.target);
    if (column.identity_always) {
      fixed.push_back(fmt::format("t.{0} IS NOT DISTINCT FROM EXCLUDED.{0}", name));
    } else {
      assignments.push_back(fmt::format("{0} = EXCLUDED.{0}", name));
    }
  }
  const bool overwrite = plan.on_duplicate == OnDuplicate::overwrite && !assignments.empty();
  return fmt::format(" ON CONFLICT ({}) DO {}", fmt::join(keys, ", "),
                     overwrite ? fmt::format("UPDATE SET {}{}{}", fmt::join(assignments, ", "),
                                             fixed.empty() ? "" : " WHERE ", fmt::join(fixed, " AND "))
                               : "NOTHING");
}

}  // namespace

Statement TablePlan::insert() const {
  Builder builder{*this};
  std::vector<std::string> names;
  std::vector<std::string> values;
  bool overriding = false;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].locate_only) continue;
    names.push_back(quote_identifier(columns[i].target));
    values.push_back(builder.value(i, false));
    overriding = overriding || columns[i].identity_always;
  }
  return builder.finish(fmt::format("INSERT INTO {} AS t ({}){} VALUES ({}){}", target.quoted(), fmt::join(names, ", "),
                                    overriding ? " OVERRIDING SYSTEM VALUE" : "", fmt::join(values, ", "),
                                    conflict_clause(*this)));
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

Statement TablePlan::read(const std::vector<bool>& wanted) const {
  Builder builder{*this};
  std::vector<std::string> values;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (wanted[i]) values.push_back(quote_identifier(columns[i].target) + (columns[i].binary ? "" : "::text"));
  }
  const auto where = builder.where_key(false);
  return builder.finish(fmt::format("SELECT {} FROM {}{}", fmt::join(values, ", "), only(), where));
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
  return builder.finish(fmt::format("INSERT INTO {} AS t ({}){} SELECT {} FROM unnest({}) AS u({}){}", target.quoted(),
                                    fmt::join(names, ", "), overriding ? " OVERRIDING SYSTEM VALUE" : "",
                                    fmt::join(values, ", "), fmt::join(arrays, ", "), fmt::join(aliases, ", "),
                                    conflict_clause(*this)));
}

std::optional<Statement> TablePlan::update_set(const std::vector<bool>& unchanged) const {
  Builder builder{*this};
  std::vector<std::string> arrays;
  std::vector<std::string> aliases;
  std::vector<std::string> assignments;
  std::vector<std::string> conditions;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (unchanged[i] || (columns[i].locate_only && !columns[i].is_key)) continue;
    if (columns[i].identity_always && !columns[i].is_key) return std::nullopt;
    arrays.push_back(builder.array(i, false));
    if (arrays.back().empty()) return std::nullopt;
    aliases.push_back(fmt::format("c{}", i));
    if (columns[i].is_key) {
      conditions.push_back(builder.element_is_key(i));
    } else {
      assignments.push_back(fmt::format("{} = {}", quote_identifier(columns[i].target), builder.element(i)));
    }
  }
  // With nothing to set the row is looked up one by one.
  if (assignments.empty() || conditions.empty()) return std::nullopt;
  return builder.finish(fmt::format("UPDATE {} AS t SET {} FROM unnest({}) AS u({}) WHERE {}", only(),
                                    fmt::join(assignments, ", "), fmt::join(arrays, ", "), fmt::join(aliases, ", "),
                                    fmt::join(conditions, " AND ")));
}

std::optional<std::string> TablePlan::copy() const {
  std::vector<std::string> names;
  for (const auto& column : columns) {
    if (column.locate_only) continue;
    if (!column.binary || column.other_type || !column.cast.empty()) return std::nullopt;
    names.push_back(quote_identifier(column.target));
  }
  return fmt::format("COPY {} ({}) FROM STDIN (FORMAT binary)", target.quoted(), fmt::join(names, ", "));
}

std::optional<Statement> TablePlan::keyed_set(std::string_view form) const {
  Builder builder{*this};
  std::vector<std::string> arrays;
  std::vector<std::string> aliases;
  std::vector<std::string> conditions;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!columns[i].is_key) continue;
    arrays.push_back(builder.array(i, true));
    if (arrays.back().empty()) return std::nullopt;
    aliases.push_back(fmt::format("c{}", i));
    conditions.push_back(builder.element_is_key(i));
  }
  return builder.finish(fmt::format(fmt::runtime(form), only(),
                                    fmt::format("unnest({}) AS u({}) WHERE {}", fmt::join(arrays, ", "),
                                                fmt::join(aliases, ", "), fmt::join(conditions, " AND "))));
}

std::optional<Statement> TablePlan::delete_set() const {
  return keyed_set("DELETE FROM {} AS t USING {}");
}

std::optional<Statement> TablePlan::find_set() const {
  return keyed_set("SELECT 1 FROM {} AS t, {}");
}

std::string TablePlan::key_names() const {
  std::vector<std::string> names;
  for (const auto& column : columns) {
    if (column.is_key || (by_image && !has_key)) names.push_back(display_identifier(column.target));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace walgate
