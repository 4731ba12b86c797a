// source_rows.hpp - rows of the source's tables as the records that the mirror would make of them.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "config/config.hpp"
#include "mirror/record.hpp"
#include "postgres/connection.hpp"
#include "service/mirrored_source.hpp"
#include "wire/encoding.hpp"

namespace walgate::service {

class SourceRows {
 public:
  /// Opens a session of its own.  The arguments must outlive it.  Throws Error.
  SourceRows(const Config& config, const MirroredSource& source);

  /// Where the source's WAL is inserted.
  [[nodiscard]] Lsn insert_position();
  /// Takes a snapshot.  What it sees lies before the returned position, which the stream reaches without another write.
  [[nodiscard]] Lsn begin();
  void end();

  /// Each row that the publications let through.  `sample`: about so many of them; 0 for all.
  void read(const MirroredTable& table, std::uint64_t sample, const std::function<void(const mirror::Record&)>& on_row);

 private:
  [[nodiscard]] std::string query(const MirroredTable& table, std::uint64_t sample);
  [[nodiscard]] std::uint64_t estimated_rows(const MirroredTable& table);

  const Config& config_;
  const MirroredSource& source_;
  const mirror::RecordOptions options_;
  const mirror::SourceText text_;
  const wire::Encoding encoding_;
  std::set<std::uint32_t> xml_arrays_;
  std::map<QualifiedName, std::string> filters_;
  postgres::Connection reader_;
};

}  // namespace walgate::service
