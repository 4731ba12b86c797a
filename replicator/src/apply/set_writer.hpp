// set_writer.hpp - writes what a table's changes have come to, many rows in one statement.
//
// Deletes and updates find their rows by arrays of keys, inserts come as arrays or, when they are many, as a COPY. What
// cannot travel so goes row by row.
#pragma once

#include <set>
#include <span>

#include "apply/row_writer.hpp"
#include "apply/target_pipeline.hpp"
#include "wire/array_value.hpp"

namespace walgate::apply {

class SetWriter {
 public:
  SetWriter(TargetPipeline& target, RowWriter& rows) : target_{target}, rows_{rows} {}

  /// The target's transaction begins.
  void begin_transaction() { checked_.clear(); }

  /// Rows that are deleted and inserted again are a part of both.
  void write_deletes(const Ticket& ticket);
  void write_updates(const Ticket& ticket);
  void write_inserts(const Ticket& ticket);
  /// Before a COPY: locks the table and asks whether its columns still have the types of the plan.
  void lock_types(const Ticket& ticket);
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
  /// Sends statements with the values of all rows; `key_only`: of their keys; `hits`: each row must be hit, else none.
  void send(Ticket ticket, const Prepared& prepared, std::span<const NetRow* const> rows, bool key_only,
            bool hits = true);
  void write_one_by_one(const Ticket& ticket, const Rows& rows, wire::RecordKind kind);
  void copy(const Ticket& ticket);
  /// What came and went in the batch would have met a row that should not be there.
  void find_passing(const Ticket& ticket);
  [[nodiscard]] bool are_few(const Ticket& ticket) const;
  std::optional<Prepared> prepare(const Ticket& ticket, std::optional<Statement> statement);

  TargetPipeline& target_;
  RowWriter& rows_;
  bool in_place_ = false;
  std::set<const PreparedTable*> checked_;  ///< whose column types were compared in this transaction

  // Scratch.
  Rows picked_;
  std::vector<wire::Value> values_;
  postgres::Parameters parameters_;
  std::vector<wire::ArrayValue> arrays_;
  std::vector<char> copied_;
};

}  // namespace walgate::apply
