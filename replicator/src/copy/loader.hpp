// loader.hpp - a worker's session on the target: takes rows as the source's COPY hands them out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apply/row_check.hpp"
#include "apply/row_writer.hpp"
#include "apply/set_writer.hpp"
#include "apply/target_pipeline.hpp"
#include "postgres/libpq.hpp"

namespace walgate::copy {

class Loader {
 public:
  /// `target`: with the role and the encoding that the stream's session has.
  Loader(postgres::Connection target, const std::string& encoding, bool replica_role);

  /// Begins a transaction that cannot commit under another epoch.
  void begin(const std::string& pipeline, std::int64_t epoch);
  /// Begins to fill a table.  `passed_on`: by COPY, with what the source's COPY says, byte for byte.
  void open(apply::PreparedTable& table, bool passed_on);
  /// Begins to fill anything by a COPY.
  void open(apply::PreparedTable& table, const std::string& copy);
  /// One message of the source's COPY.
  void put(postgres::Memory message, std::size_t size);
  /// Waits until the target has taken all.
  void close();
  /// A statement beside the rows; how many it hit.
  std::uint64_t execute(const std::string& sql, const std::vector<std::optional<std::string>>& parameters = {});
  void commit();

 private:
  void pass_on(std::string_view data);
  void begin_copy();
  void end_copy();
  void put_row(postgres::Memory message, std::string_view tuple);
  void write_rows();
  void on_result(const apply::Ticket& ticket, const PGresult* result);

  const bool replica_role_;
  apply::RowCheck check_;
  apply::TargetPipeline target_;
  apply::RowWriter rows_;
  apply::SetWriter sets_;
  std::uint64_t hits_ = 0;  ///< of the last statement

  apply::PreparedTable* table_ = nullptr;
  bool passing_on_ = false;
  bool any_message_ = false;
  std::string copy_;           ///< the COPY statement
  std::string buffer_;         ///< of what is passed on
  std::size_t kept_rows_ = 0;  ///< that the server may hold in memory
  std::size_t kept_bytes_ = 0;
  std::vector<postgres::Memory> messages_;  ///< that the summed-up rows point into
  std::size_t bytes_ = 0;                   ///< of these
};

}  // namespace walgate::copy
