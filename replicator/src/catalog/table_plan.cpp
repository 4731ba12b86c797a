#include "catalog/table_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

namespace walgate {

namespace {

/// Objects below this OID are the same on every server of a version (access/transam.h, FirstGenbkiObjectId).
constexpr std::uint32_t first_user_type = 10000;
// Types by their OIDs (pg_type.dat).
constexpr std::uint32_t bool_oid = 16;
constexpr std::uint32_t bytea_oid = 17;
constexpr std::uint32_t char_oid = 18;
constexpr std::uint32_t name_oid = 19;
constexpr std::uint32_t int8_oid = 20;
constexpr std::uint32_t int2_oid = 21;
constexpr std::uint32_t int4_oid = 23;
constexpr std::uint32_t text_oid = 25;
constexpr std::uint32_t oid_oid = 26;
constexpr std::uint32_t varchar_oid = 1043;
constexpr std::uint32_t date_oid = 1082;
constexpr std::uint32_t timestamp_oid = 1114;
constexpr std::uint32_t timestamptz_oid = 1184;
constexpr std::uint32_t uuid_oid = 2950;

constexpr bool is_integer(std::uint32_t type) {
  return type == int2_oid || type == int4_oid || type == int8_oid;
}

/// The type that a value of this column arrives as, or nullopt when the target knows none.
std::optional<std::uint32_t> arrival_type(const wire::Column& column, const TargetTypes& types,
                                          const TargetColumn& target) {
  if (column.type_oid < first_user_type) return column.type_oid;
  const auto found = types.by_name.find({column.type_schema, column.type_name});
  if (found != types.by_name.end()) return found->second;
  if (target.extension_type == column.type_name) return target.type_oid;  // the extension lives in another schema there
  if (column.type_kind == 'e') return text_oid;                           // an enum's binary form is its label
  if (column.base_oid < first_user_type) return column.base_oid;          // a domain's is that of its base
  return std::nullopt;
}

class Planner {
 public:
  Planner(const wire::Relation& relation, const TableMapping& mapping, const TargetTable& table,
          const TargetTypes& types, const wire::Relation* becomes)
      : relation_{relation}, mapping_{mapping}, table_{table}, types_{types}, becomes_{becomes} {
    plan_.source = {relation.schema, relation.name};
    plan_.target = table.name;
    plan_.target_oid = table.oid;
    plan_.source_columns = relation.columns.size();
    plan_.only_allowed = table.relkind != 'p';
    plan_.on_missing = mapping.on_missing();
    plan_.on_duplicate = mapping.on_duplicate();
  }

  std::pair<TablePlan, std::vector<Difference>> make() {
    for (std::uint16_t i = 0; i < relation_.columns.size(); ++i) plan_column(i);
    check_required_columns();
    choose_key();
    plan_.bytewise_key = plan_.has_key && std::ranges::all_of(plan_.columns, [&](const PlannedColumn& column) {
                           return !column.is_key || is_bytewise(column);
                         });
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

  /// The target's column for one of the relation's; null: it has none.  `wanted`: the name that was looked for; nullopt
  /// when the column is left out.
  const TargetColumn* target_of(const wire::Column& column, std::optional<std::string>& wanted) const {
    wanted = mapping_.target_column(column.name);
    if (becomes_ == nullptr) return wanted ? table_.column(*wanted) : nullptr;
    const auto later = std::ranges::find(becomes_->columns, column.number, &wire::Column::number);
    if (later != becomes_->columns.end()) {
      const auto then = mapping_.target_column(later->name);
      const auto* target = then ? table_.column(*then) : nullptr;
      if (target != nullptr || !then) {
        wanted = then;
        return target;
      }
    } else if (!wanted || table_.column(*wanted) == nullptr || will_be_filled(*wanted)) {
      wanted.reset();  // its values will be gone at the end of the transaction
    }
    return wanted ? table_.column(*wanted) : nullptr;
  }

  /// Does a column that the relation has at the end of the transaction fill the target's?
  bool will_be_filled(const std::string& target) const {
    return becomes_ != nullptr && std::ranges::any_of(becomes_->columns, [&](const wire::Column& column) {
             return mapping_.target_column(column.name) == target;
           });
  }

  void plan_column(std::uint16_t index) {
    const auto& column = relation_.columns[index];
    const std::uint16_t key_index = keys_seen_;
    if (column.is_key) ++keys_seen_;
    std::optional<std::string> wanted;
    const auto* target = target_of(column, wanted);
    if (!wanted) return;
    if (target == nullptr) {
      if (mapping_.on_extra_column() == OnColumn::ignore && !column.is_key) {
        plan_.ignored_columns.push_back(column.name);
        return;
      }
      differ(ErrorName::target_column_missing, source_name(column.name),
             fmt::format("the target table {} has no column {}", plan_.target.display(), display_identifier(*wanted)),
             "add the column by a migration, map it to another name or to null, or set on_extra_column to \"ignore\"",
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
    // A text value is for the type's input function; a cast from an array's text may follow other rules.
    const auto array = types_.array_types.find(planned.parameter_type);
    if (planned.binary && array != types_.array_types.end()) planned.array_type = array->second;
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
      if (!filled && !reported && will_be_filled(column.name)) {
        plan_.unfilled_columns.push_back(column.name);
      } else if (!filled && !reported) {
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
      std::uint16_t keys = 0;
      for (auto& column : plan_.columns) {
        column.is_key = std::ranges::find(primary->columns, column.target) != primary->columns.end();
        if (column.is_key) column.source_key = keys++;
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

  /// Is equality of this column's values on the target that of their bytes as they arrive?  Not so of numeric (1.0 and
  /// 1.00), floats, citext, padded strings, and of values that the target's column would round or cut.
  bool is_bytewise(const PlannedColumn& planned) const {
    const auto& source = relation_.columns[planned.source];
    const auto& target = *table_.column(planned.target);
    if (!planned.binary || !planned.cast.empty() || !target.deterministic) return false;
    if (source.type_kind == 'e') return target.type_oid == planned.parameter_type;
    const bool plain_integers = is_integer(source.base_oid) && is_integer(target.base_oid);
    if (plain_integers) return true;
    constexpr auto exact =
        std::to_array<std::uint32_t>({bool_oid, bytea_oid, char_oid, name_oid, oid_oid, uuid_oid, date_oid});
    if (std::ranges::find(exact, source.base_oid) != exact.end()) return target.base_oid == source.base_oid;
    constexpr auto with_length = std::to_array<std::uint32_t>({text_oid, varchar_oid, timestamp_oid, timestamptz_oid});
    const bool is_domain = source.type_oid != source.base_oid || target.type_oid != target.base_oid;
    return std::ranges::find(with_length, source.base_oid) != with_length.end() && source.base_oid == target.base_oid &&
           !is_domain && (target.typmod == -1 || target.typmod == source.typmod);
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
  const wire::Relation* becomes_;
  TablePlan plan_;
  std::vector<Difference> differences_;
  std::uint16_t keys_seen_ = 0;
};

}  // namespace

bool TargetTypes::assignable(std::uint32_t from, const TargetColumn& to) const noexcept {
  if (from == to.type_oid || from == to.base_oid || to.category == 'S') return true;
  return std::ranges::find(casts, AssignmentCast{from, to.base_oid}) != casts.end();
}

std::pair<TablePlan, std::vector<Difference>> plan_table(const wire::Relation& relation, const TableMapping& mapping,
                                                         const TargetTable* table, const TargetTypes& types,
                                                         const wire::Relation* becomes) {
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
  return Planner{relation, mapping, *table, types, becomes}.make();
}

std::vector<Difference> check_names_of_rule(const wire::Relation& relation, const TableMapping& mapping,
                                            const TargetTable& table) {
  std::vector<Difference> differences;
  if (mapping.rule == nullptr || mapping.rule->source.has_wildcard()) return differences;
  const QualifiedName source_table{relation.schema, relation.name};
  for (const auto& [source, target] : mapping.rule->columns) {
    if (std::ranges::find(relation.columns, source, &wire::Column::name) == relation.columns.end()) {
      differences.push_back({ErrorName::source_column_missing,
                             source_table.display() + "." + display_identifier(source),
                             "the rule names a column that the source does not publish",
                             "correct the name, or publish the column", mapping.rule->path + ".columns." + source});
    }
  }
  for (const auto& [target, type] : mapping.rule->cast) {
    if (table.column(target) == nullptr) {
      differences.push_back({ErrorName::target_column_missing, table.name.display() + "." + display_identifier(target),
                             "the rule casts a column that the target does not have", "correct the name",
                             mapping.rule->path + ".cast." + target});
    }
  }
  return differences;
}

}  // namespace walgate
