#include "migrate/draft_column.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "compare/expression.hpp"

namespace walgate::migrate {

namespace {

using compare::ColumnDescription;
using compare::ColumnType;

/// A literal that the type's input takes; numbers and booleans bare, as people write them.
std::string literal(const ColumnType& type, const std::string& value) {
  constexpr auto bare =
      std::to_array<std::uint32_t>({16, 20, 21, 23, 700, 701, 1700});  // bool, integers, floats, numeric
  const bool is_bare = !type.array && std::ranges::find(bare, type.leaf) != bare.end() && compare::constant_of(value);
  return is_bare ? value : quote_literal(value);
}

/// attmissingval as the default's literal would be written.
std::string missing_value(const ColumnDescription& column) {
  constexpr std::uint32_t bool_oid = 16;
  if (column.type.leaf == bool_oid && !column.type.array) return *column.missing == "t" ? "true" : "false";
  return *column.missing;
}

/// Is all of this the writing of a type, and nothing that could end it?
bool is_plain_type(const std::string& text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"_ (),.[]"}.find(c) != std::string_view::npos;
  });
}

bool is_number_of_rows(const ColumnDescription& column) {
  return column.identity != '\0' || (column.default_value && column.default_value->starts_with("nextval("));
}

}  // namespace

TargetTypeText DraftColumns::type_of(const ColumnDescription& column, const TableMapping& mapping,
                                     const std::string& target) const {
  const auto& type = column.type;
  if (const auto cast = mapping.cast(target)) {
    const auto known = types_.cast_types.find(*cast);
    if (known == types_.cast_types.end()) return {*cast, fmt::format("type {}, which the rule casts to", *cast)};
    return {is_plain_type(*cast) ? *cast : known->second, {}};
  }
  if (type.named.schema == "pg_catalog" || catalog_.types.contains(type.named)) return {type.text, {}};
  if (!type.extension.empty()) {
    const auto known = catalog_.extension_types.find({type.extension, type.named.name});
    if (known == catalog_.extension_types.end()) {
      return {type.text, fmt::format("extension {}, which makes the type {}", display_identifier(type.extension),
                                     type.named.display())};
    }
    const auto name = type.named.display();
    if (!type.text.starts_with(name)) return {type.text, fmt::format("type {}", name)};
    return {known->second.display() + type.text.substr(name.size()), {}};  // a length or brackets
  }
  if (type.named_kind == 'e') return {type.text, {}};
  // The values of a domain travel as those of its base.
  const bool base_is_known =
      type.leaf_name.schema == "pg_catalog" || catalog_.types.contains(type.leaf_name) || type.leaf_kind == 'e';
  if (type.named_kind == 'd' && type.base_text != type.text && base_is_known) return {type.base_text, {}};
  return {type.text, fmt::format("type {}", type.named.display())};
}

std::optional<std::string> DraftColumns::default_of(const ColumnDescription& column) const {
  if (!column.default_value || column.generated != '\0' || is_number_of_rows(column)) return std::nullopt;
  const auto value = compare::constant_of(*column.default_value);
  if (!value || is_label_to_come(column.type, *value)) return std::nullopt;
  return literal(column.type, *value);
}

bool DraftColumns::is_label_to_come(const ColumnType& type, const std::string& value) const {
  const auto known = catalog_.types.find(type.leaf_name);
  return type.leaf_kind == 'e' && !type.array && known != catalog_.types.end() &&
         std::ranges::find(known->second, value) == known->second.end();
}

DraftColumns::Added DraftColumns::add(const ColumnDescription& column, const TableMapping& mapping,
                                      const std::string& target, const QualifiedName& source) const {
  const auto type = type_of(column, mapping, target);
  const auto table = mapping.target->display();
  const auto name = display_identifier(target);
  const auto add = fmt::format("ALTER TABLE {} ADD COLUMN {} {}", table, name, type.text);
  const auto alter = fmt::format("ALTER TABLE {} ALTER COLUMN {} ", table, name);
  const auto own_default = default_of(column);
  const auto copy = fmt::format("`walgate copy --table {}`", source.display());

  Added added;
  added.lacks = type.lacks;
  if (column.missing) {
    const auto value = missing_value(column);
    if (is_label_to_come(column.type, value)) {
      added.statements = {add};
      added.later = {fmt::format("UPDATE {} SET {} = {}", table, name, quote_literal(value))};
      added.notes.push_back(fmt::format(
          "Rows of the source that are older than the column hold {}, a label that this file adds and that can "
          "be used after it: the UPDATE belongs into the next file.",
          quote_literal(value)));
    } else {
      const auto older = literal(column.type, value);
      added.statements = {add + " DEFAULT " + older};
      if (own_default != older) {
        added.statements.push_back(alter + (own_default ? "SET DEFAULT " + *own_default : "DROP DEFAULT"));
      }
      added.notes.emplace_back(
          "Rows of the source that are older than the column hold this value, and get no change in the stream.");
    }
  } else if (own_default && column.not_null) {
    added.statements = {add + " DEFAULT " + *own_default};
    added.notes.push_back(
        fmt::format("Rows that are here get the default. If those of the source hold others, {} brings them.", copy));
  } else {
    added.statements = {add};
    if (own_default) added.statements.push_back(alter + "SET DEFAULT " + *own_default);
    added.notes.push_back(
        fmt::format("Rows that are here get null. If those of the source hold values, {} brings them.", copy));
  }
  if (column.default_value && !own_default && !is_number_of_rows(column) && column.generated == '\0' &&
      !compare::is_null(*column.default_value)) {
    added.notes.push_back(
        fmt::format("The source's default is left out, because it is no constant, or a label that this file adds: {}",
                    *column.default_value));
  }
  if (column.refuses_null) {
    added.later.push_back(alter + "SET NOT NULL");
    added.notes.emplace_back("The source's column is NOT NULL; once all rows hold a value, it can be so here.");
  }
  return added;
}

}  // namespace walgate::migrate
