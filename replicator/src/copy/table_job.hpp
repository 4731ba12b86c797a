// table_job.hpp - one table that is copied: what is read of the source and how it is written.
//
// Rows are read as the stream would bring them: a tuple of COPY's binary format is a row image (extension/PROTOCOL.md).
// Where the target takes every value as it travels, the source's COPY is passed on as it is.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apply/prepared_table.hpp"
#include "copy/ledger.hpp"
#include "wire/relation.hpp"

namespace walgate::copy {

/// A file of the source: the table, or one of its partitions.
struct Part {
  std::uint32_t oid = 0;
  QualifiedName name;
  std::uint32_t file = 0;  ///< pg_relation_filenode
  std::uint64_t blocks = 0;
};

/// Blocks of a part.
struct Range {
  const Part* part = nullptr;
  std::uint64_t first_block = 0;
  std::uint64_t end_block = 0;
};

/// What a person sees of a table's copy.  Written by workers.
struct Progress {
  std::atomic<std::uint64_t> estimated = 0;
  std::atomic<std::uint64_t> rows = 0;
  std::atomic<std::uint64_t> bytes = 0;
  std::atomic<State> state = State::waiting;
};

struct TableJob {
  wire::Relation relation;  ///< as the snapshot shows it
  TablePlan plan;
  apply::Order order;
  std::size_t rank = 0;  ///< parents along foreign keys first
  std::vector<Part> parts;
  std::set<std::uint32_t> xml_arrays;  ///< OIDs of types
  std::string filter;                  ///< of the publications, in SQL; empty: all rows
  bool passed_on = false;              ///< the source's COPY is what the target takes
  bool has_foreign_keys = false;       ///< of its own or of others to it, on the target
  Progress* progress = nullptr;
  Entry entry;

  /// Of what a part of a copy rests on.
  [[nodiscard]] std::string fingerprint() const;
  /// May a copy that was broken off go on?
  [[nodiscard]] bool is_resumable() const;

  /// "COPY (SELECT …) TO STDOUT (FORMAT binary)" of a range.
  [[nodiscard]] std::string read_range(const Range& range) const;
  /// The same of all rows in one go.
  [[nodiscard]] std::string read_all() const;
  /// Of the ranges that are done: the keys of rows that are no newer than the snapshot `then`; the rows that are.
  [[nodiscard]] std::string read_kept_keys(const Part& part, const Snapshot& then) const;
  [[nodiscard]] std::string read_newer_rows(const Part& part, const Snapshot& then) const;

  /// The blocks that are not done, cut into ranges of at most `most` blocks.
  [[nodiscard]] std::vector<Range> missing_ranges(std::uint64_t most) const;
  /// The name of a session's table for kept keys, and the SQL around it.
  [[nodiscard]] std::string create_kept() const;
  [[nodiscard]] std::string write_kept() const;
  [[nodiscard]] std::string delete_others() const;
  /// Afterwards: one row when all kept keys are there, else none.
  [[nodiscard]] std::string find_kept() const;

 private:
  [[nodiscard]] std::string columns() const;
  [[nodiscard]] std::string read(const std::string& columns, const std::string& from,
                                 const std::vector<std::string>& conditions) const;
  [[nodiscard]] std::string in_done_ranges(const Part& part) const;
};

}  // namespace walgate::copy
