// draft_of_table.hpp - the part of a draft that is about one table.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "migrate/draft.hpp"
#include "migrate/draft_column.hpp"
#include "migrate/draft_text.hpp"

namespace walgate::migrate {

class DraftOfTable {
 public:
  /// `done`: statements that are in the draft already; several columns may be of one enum.
  DraftOfTable(const DraftInput& input, const DraftTable& table, std::set<std::string>& done, DraftText& text)
      : input_{input}, table_{table}, columns_{input.catalog, input.types}, done_{done}, text_{text} {}

  /// Writes it; how many questions about errors it has.
  std::size_t write();

 private:
  void write_creation();
  void write_columns();
  void write_missing_column(const Difference& difference, const compare::ColumnDescription& column);
  void write_misfit(const Difference& difference);
  void write_required(const Difference& difference);
  void write_change(const Difference& difference);
  void write_key();
  void write_observation(const compare::Observation& observation);

  /// CREATE TABLE, in lines or in one; the types that have to be there first are added to `lacking`.
  [[nodiscard]] std::string creation(bool in_lines, std::set<std::string>& lacking) const;
  /// Columns by which the source identifies rows, as the target names them; empty where it does not, or where one is
  /// left out.
  [[nodiscard]] std::vector<std::string> identity() const;
  /// Of the source's primary key, as the target names them; empty where one is left out.
  [[nodiscard]] std::vector<std::string> primary_key() const;
  [[nodiscard]] bool has_key_over(const std::vector<std::string>& columns) const;
  /// Columns of the target that perhaps hold the values of this one, under the name that it had before.
  struct Former {
    std::vector<std::string> columns;
    bool is_certain = false;  ///< the source's column has kept its number
  };
  [[nodiscard]] Former former_names(const compare::ColumnDescription& column, const std::string& type) const;
  void ask_to_rename(const Former& former, const std::string& column, const std::string& name);
  /// Does a statement of the draft change the type of this column of the target?
  [[nodiscard]] bool is_altered(const std::string& column) const;
  [[nodiscard]] bool is_asked_about(const std::string& target_column) const { return asked_.contains(target_column); }
  [[nodiscard]] std::string target() const { return table_.mapping.target->display(); }
  [[nodiscard]] std::string target_column(const std::string& column) const {
    return target() + "." + display_identifier(column);
  }
  void ask_all(const std::vector<std::string>& statements);
  void run_all(const std::vector<std::string>& statements);

  const DraftInput& input_;
  const DraftTable& table_;
  const DraftColumns columns_;
  std::set<std::string>& done_;
  DraftText& text_;
  std::set<std::string> asked_;    ///< columns of the target that a question is about
  std::set<std::string> altered_;  ///< columns of the target that get another type, so that it takes the values at all
  std::size_t questions_ = 0;
};

/// "-- name: object: text", as a block begins.
[[nodiscard]] std::string title_of(ErrorName name, const std::string& object, const std::string& text);

}  // namespace walgate::migrate
