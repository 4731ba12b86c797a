#include "catalog/table_shape.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace walgate {

namespace {

const wire::Column* column_with(const wire::Relation& relation, std::uint16_t number) {
  const auto found = std::ranges::find(relation.columns, number, &wire::Column::number);
  return found == relation.columns.end() ? nullptr : &*found;
}

const wire::Column* column_named(const wire::Relation& relation, const std::string& name) {
  const auto found = std::ranges::find(relation.columns, name, &wire::Column::name);
  return found == relation.columns.end() ? nullptr : &*found;
}

bool is_unchanged(const TableShape& seen, const wire::Column& column) {
  return std::ranges::any_of(seen.columns, [&](const SeenColumn& old) {
    return old.number == column.number && old.name == column.name && old.type_oid == column.type_oid &&
           old.typmod == column.typmod;
  });
}

std::uint16_t newest_of(const TargetTable& table) {
  const auto newest = std::ranges::max_element(table.columns, {}, &TargetColumn::number);
  return newest == table.columns.end() ? std::uint16_t{0} : newest->number;
}

class Comparison {
 public:
  Comparison(const TableShape& seen, const wire::Relation& now, const TableMapping& mapping, const TargetTable& table)
      : seen_{seen}, now_{now}, mapping_{mapping}, table_{table} {
    for (const auto& column : now.columns) {
      if (mapping.target_column(column.name) && std::ranges::none_of(seen.columns, [&](const SeenColumn& old) {
            return old.number == column.number || old.name == column.name;
          })) {
        appeared_.push_back(display_identifier(column.name));
      }
    }
  }

  ShapeChange make() {
    // Another table holds no rows that could be wrong.
    if (seen_.target_oid != table_.oid) return {};
    for (const auto& old : seen_.columns) {
      if (old.target.empty()) continue;
      if (const auto* column = column_with(now_, old.number)) {
        column->name == old.name ? compare_type(old, *column) : compare_name(old, *column);
      } else if (const auto* again = column_named(now_, old.name)) {
        compare_again(old, *again);
      } else {
        compare_gone(old);
      }
    }
    return std::move(change_);
  }

 private:
  /// The column that the old one's values went to, if it is still the same one.
  [[nodiscard]] const TargetColumn* same_target(const SeenColumn& old) const {
    const auto found = std::ranges::find(table_.columns, old.target_number, &TargetColumn::number);
    return found == table_.columns.end() || found->name != old.target ? nullptr : &*found;
  }
  [[nodiscard]] bool is_filled(const std::string& target) const {
    return std::ranges::any_of(now_.columns,
                               [&](const auto& column) { return mapping_.target_column(column.name) == target; });
  }
  void differ(ErrorName name, const std::string& column, std::string text, std::string remedy) {
    change_.differences.push_back({name,
                                   QualifiedName{now_.schema, now_.name}.display() + "." + display_identifier(column),
                                   std::move(text), std::move(remedy)});
  }
  [[nodiscard]] std::string accept() const {
    return fmt::format("`walgate accept --table '{}'`", QualifiedName{now_.schema, now_.name}.display());
  }
  [[nodiscard]] std::string target_name(const std::string& column) const {
    return table_.name.display() + "." + display_identifier(column);
  }

  void compare_name(const SeenColumn& old, const wire::Column& column) {
    const auto wanted = mapping_.target_column(column.name);
    if (!wanted) return compare_gone(old);
    // It may be filled by another column that has taken over the name.
    if (same_target(old) == nullptr || wanted == old.target) return;
    differ(ErrorName::column_renamed, column.name,
           fmt::format("the source has renamed the column {} to {}; the rows' values are in {} on the target",
                       display_identifier(old.name), display_identifier(column.name), target_name(old.target)),
           fmt::format("rename it by a migration: ALTER TABLE {} RENAME {} TO {}; or map \"{}\" to \"{}\" in columns; "
                       "or {} if the target is right as it is",
                       table_.name.quoted(), quote_identifier(old.target), quote_identifier(*wanted), column.name,
                       old.target, accept()));
  }

  void compare_type(const SeenColumn& old, const wire::Column& column) {
    if (old.type_oid == column.type_oid && old.typmod == column.typmod) return;
    const auto* target = same_target(old);
    // Where the types differed before, values were converted all along.
    if (!old.same_type || target == nullptr || mapping_.target_column(column.name) != old.target) return;
    if (target->type_oid != old.target_type || target->typmod != old.target_typmod) return;
    differ(ErrorName::column_altered, column.name,
           fmt::format("the source has changed the column's type; {} still is of type {}", target_name(old.target),
                       target->type_text),
           fmt::format("change the type by a migration, so that rows that exist get the values that they have on the "
                       "source; or {} if the target's type takes all values",
                       accept()));
  }

  void compare_again(const SeenColumn& old, const wire::Column& column) {
    if (same_target(old) == nullptr || mapping_.target_column(column.name) != old.target) return;
    differ(ErrorName::column_recreated, column.name,
           fmt::format("the source has dropped the column and added it again; {} still holds the old values",
                       target_name(old.target)),
           fmt::format("drop the column and add it again by a migration; or {} if the target's values are right",
                       accept()));
  }

  void compare_gone(const SeenColumn& old) {
    if (same_target(old) == nullptr || is_filled(old.target)) return;
    if (!appeared_.empty()) {
      // Dropped and added, or moved by hand: nobody but a person knows.
      differ(ErrorName::column_renamed, old.name,
             fmt::format("the source has no column {} any more, and has got {}: a new name for the same values, or "
                         "something else?",
                         display_identifier(old.name), fmt::join(appeared_, ", ")),
             fmt::format("rename or drop {} by a migration, as it was done on the source; or {} if it is to stay",
                         target_name(old.target), accept()));
    } else if (mapping_.on_dropped_column() == OnColumn::ignore) {
      change_.left_over.push_back(target_name(old.target));
    } else {
      differ(
          ErrorName::column_dropped, old.name,
          fmt::format("the source publishes the column no more; {} keeps its values and gets no others",
                      target_name(old.target)),
          fmt::format("drop it by a migration: ALTER TABLE {} DROP COLUMN {}; or set on_dropped_column to \"ignore\" "
                      "for the table; or {}",
                      table_.name.quoted(), quote_identifier(old.target), accept()));
    }
  }

  const TableShape& seen_;
  const wire::Relation& now_;
  const TableMapping& mapping_;
  const TargetTable& table_;
  std::vector<std::string> appeared_;
  ShapeChange change_;
};

}  // namespace

TableShape shape_of(const wire::Relation& relation, const TablePlan& plan, const TargetTable& table) {
  TableShape shape{.target_oid = table.oid, .newest_target = newest_of(table), .columns = {}};
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    const auto& column = relation.columns[i];
    SeenColumn seen{.number = column.number, .name = column.name, .type_oid = column.type_oid, .typmod = column.typmod};
    const auto planned = std::ranges::find(plan.columns, i, &PlannedColumn::source);
    if (const auto* target = planned == plan.columns.end() ? nullptr : table.column(planned->target)) {
      seen.target = target->name;
      seen.target_number = target->number;
      seen.target_type = target->type_oid;
      seen.target_typmod = target->typmod;
      seen.same_type = !planned->other_type && planned->cast.empty() && planned->binary &&
                       planned->parameter_type == target->type_oid && column.typmod == target->typmod;
    }
    shape.columns.push_back(std::move(seen));
  }
  return shape;
}

ShapeChange compare_shape(const TableShape& seen, const wire::Relation& now, const TableMapping& mapping,
                          const TargetTable& table) {
  return Comparison{seen, now, mapping, table}.make();
}

TableShape on_target(TableShape seen, const TargetTable& table) {
  if (seen.target_oid != table.oid) return seen;
  seen.newest_target = newest_of(table);
  for (auto& column : seen.columns) {
    const auto* const target = table.column(column.target);
    if (target == nullptr || target->number != column.target_number) continue;
    if (target->type_oid == column.target_type && target->typmod == column.target_typmod) continue;
    column.target_type = target->type_oid;
    column.target_typmod = target->typmod;
    column.same_type = false;
  }
  return seen;
}

bool has_same_columns(const TableShape& seen, const wire::Relation& now) {
  return seen.columns.size() == now.columns.size() &&
         std::ranges::all_of(now.columns, [&](const auto& column) { return is_unchanged(seen, column); });
}

bool is_altered_alike(const TableShape& seen, const wire::Relation& now, const TableMapping& mapping,
                      const TargetTable& table) {
  if (seen.target_oid != table.oid) return true;
  bool any = false;
  for (const auto& column : now.columns) {
    const auto wanted = mapping.target_column(column.name);
    if (is_unchanged(seen, column) || !wanted) continue;
    const auto* const target = table.column(*wanted);
    if (target == nullptr && mapping.on_extra_column() == OnColumn::ignore) continue;  // left out as well
    if (target == nullptr) return false;
    any = true;
    if (target->number > seen.newest_target) continue;
    const auto old = std::ranges::find(seen.columns, target->number, &SeenColumn::target_number);
    // One that was there and not filled may hold anything.
    if (old == seen.columns.end()) return false;
    if (old->target == target->name && old->target_type == target->type_oid && old->target_typmod == target->typmod) {
      return false;
    }
  }
  return any;
}

}  // namespace walgate
