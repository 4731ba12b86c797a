// set_writer.hpp - writes what a table's changes have come to, many rows in one statement.
//
// Deletes and updates find their rows by arrays of keys, inserts come as arrays or, when they are many, as a COPY. What
// cannot travel so goes row by row.
#pragma once

#include "apply/row_writer.hpp"
#include "apply/target_pipeline.hpp"

namespace walgate::apply {

class SetWriter {
 public:
  SetWriter(TargetPipeline& target, RowWriter& rows) : target_{target}, rows_{rows} {}

  /// Rows that are deleted and inserted again are a part of both.
  void write_deletes(const Ticket& ticket);
  void write_updates(const Ticket& ticket);
  void write_inserts(const Ticket& ticket);
  /// Each key once: rows that are deleted and inserted again are updated.  For where a row must not be gone meanwhile.
  struct InPlace {
    explicit InPlace(SetWriter& writer) : writer_{writer} { writer_.in_place_ = true; }
    ~InPlace() { writer_.in_place_ = false; }
    InPlace(const InPlace&) = delete;
    InPlace& operator=(const InPlace&) = delete;

   private:
    SetWriter& writer_;
  };

 private:
  using Rows = std::vector<const NetRow*>;
  void pick(const Ticket& ticket, bool (*wanted)(const NetRow&, bool in_place));
  void write_updates_of(const Ticket& ticket, const Rows& rows, const std::vector<bool>& unchanged);
  /// Sends one statement with the values of all rows; `key_only`: of their keys.
  void send(Ticket ticket, PreparedSet& set, const Rows& rows, bool key_only);
  void write_one_by_one(const Ticket& ticket, const Rows& rows, wire::RecordKind kind);
  void copy(const Ticket& ticket);
  std::optional<PreparedSet> prepare(const Ticket& ticket, std::optional<Statement> statement);

  TargetPipeline& target_;
  RowWriter& rows_;
  bool in_place_ = false;

  // Scratch.
  Rows picked_;
  std::vector<wire::Value> values_;
  postgres::Parameters parameters_;
  std::vector<char> copied_;
};

}  // namespace walgate::apply
