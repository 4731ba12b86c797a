// table_view.hpp - what a table's topic comes to when each key's last record counts, and whether its records stand in
// order.
//
// Holds of each key the place of its last record and a hash of each column's value: some hundred bytes, whatever the
// rows' size.  Then rows of the table are held against it; keys that differ are remembered with what differs, so that a
// second look can tell what was a difference from what was on its way.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mirror/record_content.hpp"
#include "mirror/schema_versions.hpp"
#include "wire/lsn.hpp"

namespace walgate::mirror {

/// A record as its topic has it; `content` is null for a tombstone.
struct ViewedRecord {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string_view key;
  bool has_key = true;
  Lsn lsn;                       ///< header walgate.lsn
  std::uint64_t position = 0;    ///< header walgate.position
  std::string_view schema;       ///< header walgate.schema
  std::string_view unavailable;  ///< header walgate.unavailable
  const RecordContent* content = nullptr;
};

enum class DifferenceKind {
  missing,     ///< the table has the row, the topic does not
  unexpected,  ///< the topic has the row, the table does not
  different    ///< columns differ
};

struct Difference {
  DifferenceKind kind;
  std::int32_t partition = -1;  ///< of the key's last record; -1: there is none
  std::int64_t offset = -1;
  std::vector<std::string> columns{};  ///< that differ
  friend bool operator==(const Difference&, const Difference&) = default;
};

/// By hash of the key.
using Differences = std::unordered_map<std::uint64_t, Difference>;

struct OutOfOrder {
  std::int32_t partition;
  std::int64_t offset;
};

class TableView {
 public:
  /// `now` are the table's columns; `versions` those that the topic of versions knows of the table `name`, and outlives
  /// the view.
  TableView(std::string name, std::vector<SchemaColumn> now, const SchemaVersions& versions, std::int32_t partitions);

  // Records

  void take(const ViewedRecord& record);

  // Rows

  /// Begins to hold rows against the view.
  void begin_rows();
  /// A row with its record's key; `row` is the content of a record that was made of it.
  void row(std::string_view key, const RecordContent& row);
  /// After the last row: the keys that differ.
  [[nodiscard]] Differences end_rows();

  // What was seen

  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }
  [[nodiscard]] std::uint64_t keys() const;
  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  /// Rows whose last record was made of other columns: those that are not the same in both were not compared.
  [[nodiscard]] std::uint64_t older_rows() const noexcept { return older_rows_; }
  /// Records that stand behind one that comes after them in the source, or twice.
  [[nodiscard]] std::uint64_t out_of_order() const noexcept { return out_of_order_; }
  /// Records in another partition than their key belongs to.
  [[nodiscard]] std::uint64_t misplaced() const noexcept { return misplaced_; }
  [[nodiscard]] const std::vector<OutOfOrder>& examples() const noexcept { return examples_; }
  [[nodiscard]] bool has_seen(std::uint64_t key) const { return entries_.contains(key); }
  /// final_lsn of the key's last record; zero: there is none.
  [[nodiscard]] Lsn last_change_of(std::uint64_t key) const;

 private:
  /// Columns of records, and where the table has them now.
  struct Shape {
    std::string version;
    std::vector<std::string> columns;
    std::vector<int> places;  ///< of each of the table's columns in this shape; -1: not comparable
    bool is_now = false;      ///< every column of the table is there
  };
  struct Entry {
    Lsn lsn;
    std::uint64_t position = 0;
    std::int64_t offset = 0;
    std::int32_t partition = 0;
    std::uint32_t shape = 0;
    std::uint32_t round = 0;  ///< in which a row was found last
    bool exists = false;
    bool was_tombstone = false;
    std::vector<std::uint64_t> hashes;
  };

  std::uint32_t shape_of(std::string_view version, const RecordContent& content);
  void note(const ViewedRecord& record, std::uint64_t& counter);
  [[nodiscard]] bool is_there(const Entry& entry) const;

  const std::string name_;
  const std::vector<SchemaColumn> now_;
  const SchemaVersions& versions_;
  std::vector<Shape> shapes_;
  std::uint32_t last_shape_ = 0;
  std::unordered_map<std::uint64_t, Entry> entries_;
  /// Of each partition: the offset of its last truncate, before which nothing is there any more.
  std::vector<std::int64_t> truncated_;
  /// Of each partition, for records without keys: the place of the last one.
  struct Place {
    Lsn lsn;
    std::uint64_t position = 0;
  };
  std::vector<Place> places_;

  std::uint32_t round_ = 0;
  Differences differences_;
  std::uint64_t records_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t older_rows_ = 0;
  std::uint64_t out_of_order_ = 0;
  std::uint64_t misplaced_ = 0;
  std::vector<OutOfOrder> examples_;
};

}  // namespace walgate::mirror
