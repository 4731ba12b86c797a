// table_plan.hpp - how the changes of one relation version are written into one target table.
//
// A plan is pure: it is made from what the source says, what the target has and what the configuration asks, and it
// holds the text of statements.  Where the three do not fit, the differences come out instead.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catalog/table_mapping.hpp"
#include "catalog/target_table.hpp"
#include "errors/names.hpp"
#include "wire/relation.hpp"

namespace walgate {

/// What the target knows about types, as far as fitting needs it.
struct TargetTypes {
  std::vector<AssignmentCast> casts;
  /// Source types that are not built in, by schema and name, to the target's type of that name.
  std::map<std::pair<std::string, std::string>, std::uint32_t> by_name;
  /// Types that the configuration casts to, as written, to how SQL names them without a length: an explicit cast to
  /// varchar(5) would cut a longer value in silence, where the column itself refuses it.
  std::map<std::string, std::string> cast_types;
  /// Element type to array type.
  std::map<std::uint32_t, std::uint32_t> array_types;

  [[nodiscard]] bool assignable(std::uint32_t from, const TargetColumn& to) const noexcept;
};

/// One column's way from the row image into the statement.
struct PlannedColumn {
  std::uint16_t source = 0;      ///< index in the row image
  std::uint16_t source_key = 0;  ///< index among the key columns, as an old key image has them, when is_key
  std::string target;            ///< the target column's name, not quoted
  std::uint32_t parameter_type = 0;
  bool binary = true;
  bool is_key = false;       ///< locates the row
  bool locate_only = false;  ///< generated on the target: compared, never written
  bool other_type = false;   ///< arrives as another type than the target column has
  bool identity_always = false;
  std::string cast;              ///< explicit SQL type, or empty
  std::string equality = "=";    ///< how a key column is compared
  std::string compared_as;       ///< of a domain: its base type, because = of enums takes no domain; else empty
  std::uint32_t array_type = 0;  ///< in which its values travel in statements over many rows; 0: there is none
  std::string full_type;         ///< the target column's type with its length
  std::string type_text;         ///< the target column's type without a length, quoted as SQL wants it
};

/// One thing that does not fit.
struct Difference {
  ErrorName name;
  std::string object;  ///< a column or table, for people
  std::string text;
  std::string remedy;
  std::string path = {};  ///< the JSON path of the rule, or of its entry, that has to do with it; may be empty
};

/// Statements of one relation version.  The numbering of parameters is the order of `parameters`.
struct Statement {
  std::string sql;
  std::vector<std::uint32_t> types;
  /// Where each parameter comes from: a planned column, of the new image or of the old one.
  struct Source {
    std::uint16_t column = 0;  ///< index into TablePlan::columns
    bool old_image = false;
  };
  std::vector<Source> parameters;
};

struct TablePlan {
  QualifiedName source;
  QualifiedName target;
  std::uint32_t target_oid = 0;
  std::size_t source_columns = 0;             ///< of the row image, mapped or not
  bool left_out = false;                      ///< the configuration leaves the table out
  bool bytewise_key = false;                  ///< two keys are equal on the target exactly when their bytes are
  bool by_image = false;                      ///< without a key, rows are located by all their values (identity full)
  bool has_key = false;                       ///< updates and deletes can be located
  std::vector<std::string> conflict_columns;  ///< of the unique index that ON CONFLICT means
  bool only_allowed = true;                   ///< ONLY makes sense: not a partitioned table
  bool is_referred = false;                   ///< foreign keys of other tables or its own point here
  std::vector<std::string> other_columns;     ///< of the target, that the stream does not fill and that can be written
  std::vector<PlannedColumn> columns;         ///< mapped ones, in the order of the row image
  std::vector<std::string> ignored_columns;   ///< of the source, that the target does not have
  /// Of the target, NOT NULL without a default, that nothing fills yet: a later version of the relation will.  Rows can
  /// be changed, not inserted.
  std::vector<std::string> unfilled_columns;
  OnMissing on_missing = OnMissing::stop;
  OnDuplicate on_duplicate = OnDuplicate::stop;
  std::vector<std::string> deferrable_keys;      ///< foreign keys of the table and to it, as SET CONSTRAINTS names them
  std::vector<std::uint32_t> cascading_parents;  ///< tables whose deletes take rows of this one with them

  [[nodiscard]] Statement insert() const;
  /// An update whose new image lacks the columns marked in `unchanged` (one entry per planned column).  `key_changed`:
  /// the row is found by the old image and the key is written.
  [[nodiscard]] Statement update(const std::vector<bool>& unchanged, bool key_changed) const;
  /// By the key in the old image.
  [[nodiscard]] Statement delete_row() const;
  /// The way around "can only be updated to DEFAULT": the server lets an identity ALWAYS column be inserted, never set.
  /// Columns that the stream does not fill keep their values.
  [[nodiscard]] Statement delete_and_insert(const std::vector<bool>& unchanged, bool key_changed) const;
  /// Where only the old image locates a row: exactly one of the rows that are byte for byte like it is changed.
  [[nodiscard]] Statement update_by_image() const;
  [[nodiscard]] Statement delete_by_image() const;
  /// The values of the planned columns that are marked, in their order, of the row with the key in the new image; in
  /// the form in which the stream would bring them.
  [[nodiscard]] Statement read(const std::vector<bool>& wanted) const;
  /// Many rows in one statement.  Each parameter is an array of one column's values, text ones as text[]; nullopt when
  /// a column cannot travel in an array.
  [[nodiscard]] std::optional<Statement> insert_set() const;
  /// As update() with an unchanged key; nullopt also where a column can only be guarded, not set.
  [[nodiscard]] std::optional<Statement> update_set(const std::vector<bool>& unchanged) const;
  [[nodiscard]] std::optional<Statement> delete_set() const;
  /// A row for each of the keys that the table holds.
  [[nodiscard]] std::optional<Statement> find_set() const;
  /// "COPY … FROM STDIN (FORMAT binary)" of the columns in their order; nullopt where a value does not arrive as what
  /// the column holds.
  [[nodiscard]] std::optional<std::string> copy() const;
  /// The target for UPDATE, DELETE and TRUNCATE: a child by inheritance may hold the same key.
  [[nodiscard]] std::string only() const;
  /// The change of such a key takes the row away for a moment, which foreign keys to it would see.
  [[nodiscard]] bool moves_identity_key(bool key_changed) const noexcept;
  /// "id, region" of the columns that locate a row, for messages.
  [[nodiscard]] std::string key_names() const;

 private:
  /// A statement over many keys; the form's places are for the table and for "unnest(…) WHERE …".
  [[nodiscard]] std::optional<Statement> keyed_set(std::string_view form) const;
};

/// Makes the plan, or says what does not fit (then the plan is not to be used).  `table` is null when the target has
/// none.  `becomes`: how the relation looks at the end of a transaction that changes it, or null.  The target looks
/// like that already, so columns go where they will belong, and those that will be gone may be missing.
[[nodiscard]] std::pair<TablePlan, std::vector<Difference>> plan_table(const wire::Relation& relation,
                                                                       const TableMapping& mapping,
                                                                       const TargetTable* table,
                                                                       const TargetTypes& types,
                                                                       const wire::Relation* becomes = nullptr);

/// Does the rule name columns that are not there?  One with a pattern may.
[[nodiscard]] std::vector<Difference> check_names_of_rule(const wire::Relation& relation, const TableMapping& mapping,
                                                          const TargetTable& table);

}  // namespace walgate
