#include "migrate/draft.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "compare/enum_labels.hpp"
#include "migrate/draft_of_table.hpp"
#include "migrate/draft_text.hpp"

namespace walgate::migrate {

namespace {

/// Enums that columns need which the stream fills: made where the target has none, and with all labels where it has.
class Enums {
 public:
  Enums(const DraftInput& input, std::set<std::string>& done, DraftText& text)
      : input_{input}, done_{done}, text_{text} {}

  void write(const DraftTable& table) {
    for (const auto& streamed : table.relation.columns) {
      const auto* column = table.source.column(streamed.name);
      const auto name = table.mapping.target_column(streamed.name);
      if (column == nullptr || !name || table.mapping.cast(*name) || column->type.leaf_kind != 'e') continue;
      const bool is_new = table.target == nullptr || table.target->column(*name) == nullptr;
      if (is_new) write(column->type);
    }
  }

 private:
  void write(const compare::ColumnType& type) {
    const auto known = input_.catalog.types.find(type.leaf_name);
    const auto name = type.leaf_name.display();
    if (known == input_.catalog.types.end()) {
      std::string labels;
      for (const auto& label : type.labels) labels += (labels.empty() ? "" : ", ") + quote_literal(label);
      const auto statement = fmt::format("CREATE TYPE {} AS ENUM ({})", name, labels);
      if (!done_.insert(statement).second) return;
      text_.block(fmt::format("The target has no type {}, which columns below are of.", name));
      if (!input_.catalog.schemas.contains(type.leaf_name.schema)) {
        text_.note("It has no such schema either; decide whose it is to be:");
        text_.ask("CREATE SCHEMA " + display_identifier(type.leaf_name.schema));
      }
      text_.run(statement);
      return;
    }
    auto missing = compare::missing_labels(type.labels, known->second, type.leaf_name);
    std::erase_if(missing.statements, [&](const std::string& statement) { return !done_.insert(statement).second; });
    if (missing.statements.empty()) return;
    text_.block(title_of(ErrorName::enum_label_missing, "type " + name, "the source's has labels that the type lacks"));
    for (const auto& statement : missing.statements) text_.run(statement);
  }

  const DraftInput& input_;
  std::set<std::string>& done_;
  DraftText& text_;
};

/// Fails with a message that is a name, because others may hold values and are not shown.
constexpr std::string_view guard = "SELECT decide_on_the_comments_of_this_draft()";

}  // namespace

Draft make_draft(const DraftInput& input) {
  Draft draft;
  DraftText body;
  std::set<std::string> done;
  Enums enums{input, done, body};
  for (const auto& table : input.tables) enums.write(table);
  for (const auto& table : input.tables) draft.questions += DraftOfTable{input, table, done, body}.write();
  draft.statements = body.statements();
  if (draft.statements == 0 && draft.questions == 0) return draft;

  DraftText head;
  head.note(fmt::format("A draft for pipeline {}: what the target lacks for what the source's tables are now.",
                        input.pipeline));
  head.note("Nothing of it has been run. Read it and change it, before it is applied by migrate up.");
  head.note(
      "Indexes of tables that are in use are better built by CREATE INDEX CONCURRENTLY, each in a file of its own that "
      "says no-transaction.");
  if (draft.statements == 0) {
    head.block("Everything here waits for your decision. Take this statement out when it is made:");
    head.run(guard);
  }
  draft.sql = head.text() + '\n' + body.text();
  return draft;
}

}  // namespace walgate::migrate
