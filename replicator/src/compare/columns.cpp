// columns.cpp - the columns of a pair: types, nullability, defaults, generated ones, and those of one side alone.

#include <fmt/format.h>

#include "compare/comparison.hpp"
#include "compare/enum_labels.hpp"
#include "compare/expression.hpp"
#include "compare/type_loss.hpp"

namespace walgate::compare {

namespace {

/// One column on both sides.
struct ColumnPair {
  const ColumnDescription& source;
  const ColumnDescription& target;
};

std::string alter_column(const TablePair& pair, const ColumnDescription& target, std::string_view what) {
  return fmt::format("ALTER TABLE {} ALTER COLUMN {} {}", pair.target.name.display(), display_identifier(target.name),
                     what);
}

void compare_type(const TablePair& pair, const ColumnPair& column, Observations& found) {
  const auto loss = type_loss(column.source.type, column.target.type);
  if (!loss) return;
  std::vector<std::string> statements;
  if (!loss->wider.empty()) statements.push_back(alter_column(pair, column.target, "TYPE " + loss->wider));
  const auto proposal = loss->wider.empty() ? Proposal::none : loss->alters ? Proposal::run : Proposal::question;
  found.push_back(observe(loss->narrower ? Severity::warning : Severity::info, ErrorName::type_differs,
                          pair.target_name(column.target.name), loss->text, proposal, std::move(statements)));
}

void compare_labels(const ColumnPair& column, Observations& found) {
  const auto& source = column.source.type;
  const auto& target = column.target.type;
  if (source.leaf_kind != 'e' || target.leaf_kind != 'e') return;
  auto missing = missing_labels(source.labels, target.labels, target.leaf_name);
  if (missing.labels.empty()) return;
  std::string names;
  for (const auto& label : missing.labels) names += (names.empty() ? "" : ", ") + quote_literal(label);
  found.push_back(
      observe(Severity::warning, ErrorName::enum_label_missing, "type " + target.leaf_name.display(),
              fmt::format("the source's {} has labels that the type lacks: {}", source.leaf_name.display(), names),
              Proposal::run, std::move(missing.statements)));
}

void compare_nullability(const TablePair& pair, const ColumnPair& column, Observations& found) {
  if (!column.target.refuses_null || column.source.not_null) return;
  found.push_back(
      observe(Severity::warning, ErrorName::not_null_only_on_target, pair.target_name(column.target.name),
              column.source.refuses_null
                  ? "the column is NOT NULL, and the source's is only since its rows were written (NOT VALID)"
                  : "the column is NOT NULL, and the source's is not",
              Proposal::question, {alter_column(pair, column.target, "DROP NOT NULL")}));
}

bool numbers_rows(const ColumnDescription& column) {
  return column.identity != '\0' || (column.default_value && column.default_value->starts_with("nextval("));
}

/// One spelling for what the server prints in several ways.
std::string plain_default(const ColumnDescription& column) {
  if (!column.default_value || is_null(*column.default_value)) return {};
  if (const auto constant = constant_of(*column.default_value)) return quote_literal(*constant);
  if (*column.default_value == "CURRENT_TIMESTAMP" || *column.default_value == "transaction_timestamp()")
    return "now()";
  return *column.default_value;
}

std::string shown_default(const ColumnDescription& column) {
  constexpr std::size_t longest = 60;
  if (!column.default_value || is_null(*column.default_value)) return "none";
  if (column.default_value->size() <= longest) return *column.default_value;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>((*column.default_value)[end]) & 0xC0U) == 0x80U) --end;
  return column.default_value->substr(0, end) + "…";
}

/// Defaults of a table that differ and do no harm as long as no column is added with one: told together.
struct OtherDefaults {
  std::string text;
  std::vector<std::string> statements;
};

void compare_default(const TablePair& pair, const ColumnPair& column, OtherDefaults& others, Observations& found) {
  const auto& [source, target] = column;
  if (numbers_rows(source) || numbers_rows(target)) return;
  const bool differs = plain_default(source) != plain_default(target);
  const bool same_type = source.type.text == target.type.text;
  const bool older_rows_differ = source.missing && target.missing && same_type && *source.missing != *target.missing;
  if (!differs && !older_rows_differ) return;
  const auto what = fmt::format("{} on the source, {} on the target", shown_default(source), shown_default(target));
  const auto statement = source.default_value && !is_null(*source.default_value)
                             ? alter_column(pair, target, "SET DEFAULT " + *source.default_value)
                             : alter_column(pair, target, "DROP DEFAULT");
  if (older_rows_differ) {
    found.push_back(
        observe(Severity::warning, ErrorName::default_differs, pair.target_name(target.name),
                "the column was added on both sides, and rows that were there before got another value on "
                "the target than on the source",
                Proposal::none, {},
                fmt::format("UPDATE these rows, or run `walgate copy --table {}`; VACUUM FULL then ends this warning",
                            pair.source.name.display())));
  } else if (source.missing && !target.missing && target.added) {  // else it was there when the rows came
    found.push_back(observe(Severity::warning, ErrorName::default_differs, pair.target_name(target.name),
                            fmt::format("the source added the column to rows that were there, which got its default "
                                        "without a change in the stream; the defaults are {}",
                                        what),
                            Proposal::question, {statement}, "see that older rows hold the same value on both sides"));
  } else {
    others.text += fmt::format("{}{} ({})", others.text.empty() ? "" : "; ", display_identifier(target.name), what);
    others.statements.push_back(statement);
  }
}

void compare_generated(const TablePair& pair, const ColumnPair& column, Observations& found) {
  const auto& [source, target] = column;
  const auto expression = source.default_value ? pair.as_on_target(*source.default_value) : std::nullopt;
  if (target.generated == '\0') {
    found.push_back(
        observe(Severity::warning, ErrorName::generated_column_differs, pair.target_name(target.name),
                "the source computes the column, the stream does not bring it, and the target does not compute it",
                Proposal::none, {},
                fmt::format("make it GENERATED ALWAYS AS ({}) on the target{}", expression.value_or("…"),
                            source.generated == 's' ? ", or publish it (publish_generated_columns = stored, from 18 on)"
                                                    : "")));
  } else if (expression != target.default_value) {
    found.push_back(observe(Severity::warning, ErrorName::generated_column_differs, pair.target_name(target.name),
                            fmt::format("the source computes the column by {}, the target by {}", shown_default(source),
                                        shown_default(target))));
  }
}

/// Columns of the target that nothing fills.
void find_idle_columns(const TablePair& pair, Observations& found) {
  std::string names;
  std::vector<std::string> statements;
  for (const auto& target : pair.target.columns) {
    const bool computed_there = std::ranges::any_of(pair.source.columns, [&](const ColumnDescription& source) {
      return source.generated != '\0' && pair.mapping.target_column(source.name) == target.name;
    });
    const bool is_filled = target.generated != '\0' || target.identity != '\0' || target.default_value;
    if (is_filled || target.refuses_null || computed_there || pair.source_of(target.name) != nullptr) continue;
    names += (names.empty() ? "" : ", ") + display_identifier(target.name);
    statements.push_back(
        fmt::format("ALTER TABLE {} DROP COLUMN {}", pair.target.name.display(), display_identifier(target.name)));
  }
  if (statements.empty()) return;
  auto observation = observe(Severity::info, ErrorName::column_only_on_target, pair.target.name.display(),
                             "nothing fills these columns, which stay null: " + names);
  observation.proposal = Proposal::question;
  observation.statements = std::move(statements);
  found.push_back(std::move(observation));
}

void compare_domain(const TablePair& pair, const ColumnPair& column, Observations& found) {
  for (const auto& check : column.target.type.domain_checks) {
    const auto& known = column.source.type.domain_checks;
    if (std::ranges::find(known, check) != known.end()) continue;
    found.push_back(observe(Severity::info, ErrorName::constraint_only_on_target, pair.target_name(column.target.name),
                            fmt::format("its domain {} has a constraint that the source's type has not: {}",
                                        column.target.type.named.display(), check)));
  }
}

}  // namespace

Observations missing_labels(const TablePair& pair) {
  Observations found;
  for (const auto& source : pair.source.columns) {
    const auto name = pair.mapping.target_column(source.name);
    const auto* target = name ? pair.target.column(*name) : nullptr;
    if (target != nullptr && pair.is_published(source.name)) compare_labels({source, *target}, found);
  }
  return found;
}

void compare_columns(const TablePair& pair, Observations& found) {
  OtherDefaults others;
  for (const auto& source : pair.source.columns) {
    const auto name = pair.mapping.target_column(source.name);
    const auto* target = name ? pair.target.column(*name) : nullptr;
    if (target == nullptr) continue;
    const ColumnPair column{source, *target};
    const bool published = pair.is_published(source.name);
    if (source.generated != '\0' && (target->generated != '\0' || !published)) {
      // Where a rule sends another column there, that one fills it.
      if (published || pair.source_of(*name) == nullptr) compare_generated(pair, column, found);
      continue;
    }
    if (!published || target->generated != '\0') continue;
    if (!pair.mapping.cast(*name)) {
      compare_type(pair, column, found);
      compare_domain(pair, column, found);
      compare_labels(column, found);
    }
    compare_nullability(pair, column, found);
    if (source.generated == '\0') compare_default(pair, column, others, found);
  }
  if (!others.text.empty()) {
    auto observation = observe(Severity::info, ErrorName::default_differs, pair.target.name.display(),
                               "defaults differ: " + others.text);
    observation.statements = std::move(others.statements);
    found.push_back(std::move(observation));
  }
  find_idle_columns(pair, found);
}

}  // namespace walgate::compare
