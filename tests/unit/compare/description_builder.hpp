// description_builder.hpp - tables as a catalog describes them, in a few words.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "catalog/plan_builder.hpp"
#include "compare/comparison.hpp"

namespace walgate::compare::test {

inline ColumnType type(const std::string& text, std::uint32_t oid, std::int32_t typmod = -1) {
  ColumnType made;
  made.text = made.base_text = text;
  made.leaf = oid;
  made.typmod = typmod;
  made.leaf_name = made.named = {"pg_catalog", text};
  return made;
}
inline ColumnType varchar(int length) {
  return type(fmt::format("character varying({})", length), 1043, length + 4);
}
inline ColumnType numeric(int precision, int scale) {
  return type(fmt::format("numeric({},{})", precision, scale), 1700, ((precision << 16) | (scale & 0x7ff)) + 4);
}
inline const ColumnType integer = type("integer", 23);
inline const ColumnType bigint = type("bigint", 20);
inline const ColumnType text = type("text", 25);
inline ColumnType enumeration(const std::string& name, std::vector<std::string> labels) {
  auto made = type("sales." + name, 16500);
  made.leaf_kind = made.named_kind = 'e';
  made.leaf_name = made.named = {"sales", name};
  made.labels = std::move(labels);
  return made;
}
inline ColumnType array_of(ColumnType element) {
  element.text += "[]";
  element.base_text += "[]";
  element.array = true;
  return element;
}

inline ColumnDescription column(const std::string& name, const ColumnType& of, bool not_null = false) {
  ColumnDescription made;
  made.name = name;
  made.type = of;
  made.not_null = made.refuses_null = not_null;
  return made;
}

/// A unique index over plain columns, or with "" of a lower-case expression.
inline IndexDescription unique(const std::string& name, const std::vector<std::string>& columns) {
  IndexDescription made;
  made.name = name;
  made.method = "btree";
  made.unique = true;
  for (const auto& each : columns) made.columns.push_back({each, each.empty() ? "lower(name)" : "", true});
  return made;
}
inline IndexDescription primary(const std::vector<std::string>& columns) {
  auto made = unique("pkey", columns);
  made.primary = true;
  made.constraint = "pkey";
  return made;
}
inline IndexDescription plain(const std::vector<std::string>& columns) {
  auto made = unique("idx", columns);
  made.unique = false;
  return made;
}

inline ConstraintDescription check(const std::string& name, const std::string& definition) {
  ConstraintDescription made;
  made.name = name;
  made.definition = definition;
  return made;
}
inline ConstraintDescription reference(const std::string& column, const QualifiedName& table) {
  ConstraintDescription made;
  made.name = column + "_fkey";
  made.kind = 'f';
  made.definition = fmt::format("FOREIGN KEY ({}) REFERENCES {}(id)", column, table.display());
  made.columns = {column};
  made.referenced = table;
  made.referenced_columns = {"id"};
  return made;
}

/// sales.item on the source and store.part on the target; all columns of the source that are not generated are
/// published.
struct Sides {
  TableDescription source;
  TableDescription target;
  TableRule rule;
  char identity = 'd';
  std::vector<std::string> unpublished;
  bool constraints_act = true;

  Sides() {
    source.name = {"sales", "item"};
    target.name = {"store", "part"};
    source.rows_change = true;
    std::string error;
    rule.path = "tables[0]";
    rule.source = *NamePattern::parse("sales.item", error);
    rule.target = NamePattern::parse("store.part", error);
  }
  /// The same column on both sides.
  ColumnDescription& both(const std::string& name, const ColumnType& of, bool not_null = false) {
    source.columns.push_back(column(name, of, not_null));
    target.columns.push_back(column(name, of, not_null));
    return target.columns.back();
  }

  [[nodiscard]] wire::Relation relation() const {
    wire::Relation made;
    made.schema = source.name.schema;
    made.name = source.name.name;
    made.replica_identity = identity;
    const auto key = std::ranges::find(source.indexes, true, &IndexDescription::primary);
    std::uint16_t number = 0;
    for (const auto& each : source.columns) {
      ++number;
      if (each.generated != '\0' || std::ranges::find(unpublished, each.name) != unpublished.end()) continue;
      wire::Column streamed;
      streamed.name = each.name;
      streamed.number = number;
      streamed.is_key = identity == 'd' && key != source.indexes.end() &&
                        std::ranges::find(key->columns, each.name, &IndexColumn::name) != key->columns.end();
      if (streamed.is_key) ++made.key_columns;
      made.columns.push_back(streamed);
    }
    return made;
  }
  [[nodiscard]] Observations observations() const {
    const auto streamed = relation();
    const TableMapping mapping{target.name, &rule};
    return compare({streamed, mapping, source, target},
                   {.constraints_act = constraints_act,
                    .target_of = [&](const QualifiedName& name) -> std::optional<QualifiedName> {
                      if (name == source.name) return target.name;
                      if (name == QualifiedName{"sales", "parent"}) return QualifiedName{"store", "parent"};
                      return std::nullopt;
                    },
                    .is_target =
                        [&](const QualifiedName& name) {
                          return name == target.name || name == QualifiedName{"store", "parent"};
                        }});
  }
  /// "warning type_differs store.part.id: …\n", and with "> " what a draft would run, with "? " what it would ask.
  [[nodiscard]] std::string told() const {
    std::string lines;
    for (const auto& [finding, proposal, statements] : observations()) {
      const auto* severity = finding.severity == Severity::info ? "info" : "warning";
      lines += fmt::format("{} {} {}: {}\n", severity, text_of(finding.name), finding.object, finding.finding);
      for (const auto& statement : statements) {
        if (proposal != Proposal::none)
          lines += fmt::format("{} {}\n", proposal == Proposal::run ? '>' : '?', statement);
      }
    }
    return lines;
  }
};

}  // namespace walgate::compare::test
