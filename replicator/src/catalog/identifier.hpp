// identifier.hpp - names of relations as people write them and as SQL wants them.
//
// Follows PostgreSQL's lexical rules: an unquoted name folds to lower case, a quoted one keeps its case and may hold
// dots and doubled quotes.  A pattern may have one '*' in its schema part and one in its table part.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace walgate {

/// schema.name, both parts as the catalog stores them.
struct QualifiedName {
  std::string schema;
  std::string name;
  friend auto operator<=>(const QualifiedName&, const QualifiedName&) = default;

  /// For SQL: both parts quoted, "schema"."name".
  [[nodiscard]] std::string quoted() const;
  /// For people: quoted only where SQL would need it.
  [[nodiscard]] std::string display() const;
};

/// Always quoted: "na""me".
[[nodiscard]] std::string quote_identifier(std::string_view name);
/// Quoted only where SQL would need it (capitals, signs, reserved words).
[[nodiscard]] std::string display_identifier(std::string_view name);
/// A SQL string literal; E'' where the text has a backslash.
[[nodiscard]] std::string quote_literal(std::string_view text);
/// The same of each, with commas between them.
[[nodiscard]] std::string quote_literals(const std::vector<std::string>& texts);

/// One side of a table rule.
class NamePattern {
 public:
  /// Reads `schema.table` where a part may hold one unquoted '*'; nullopt and a reason in `error` for other text.
  static std::optional<NamePattern> parse(std::string_view text, std::string& error);

  [[nodiscard]] bool has_wildcard() const noexcept;
  /// Does this source pattern match?  On a match the texts that the stars stood for are kept in the result.
  struct Match {
    std::string schema_star;
    std::string name_star;
  };
  [[nodiscard]] std::optional<Match> match(const QualifiedName& name) const;
  /// This target pattern with its stars replaced by what the source pattern's stars stood for.
  [[nodiscard]] QualifiedName fill(const Match& match) const;
  /// Does this source pattern match everything that `other` matches?
  [[nodiscard]] bool covers(const NamePattern& other) const;
  /// As a target pattern: has `source` a star in each part where this one has one?
  [[nodiscard]] bool can_fill_from(const NamePattern& source) const noexcept;
  /// As written, for messages.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  struct Part {
    std::string before;  ///< up to the star, or the whole name
    std::string after;
    bool star = false;
  };
  std::string text_;
  Part schema_;
  Part name_;
};

}  // namespace walgate
