#include "service/source_rows.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <thread>

#include "copy/published_rows.hpp"
#include "mirror/mirror_settings.hpp"
#include "mirror/table_records.hpp"
#include "postgres/copy_format.hpp"
#include "stream/source_session.hpp"

namespace walgate::service {

namespace {

using namespace std::chrono_literals;

/// A transaction is decoded when its commit is on disk; commits that nobody waited for come there within a second.
constexpr auto flush_patience = 1s;

/// At the beginning of a page the position of the next record lies behind the page's header, which is not there before
/// a record is: nothing reaches it (XLogBytePosToRecPtr; headers of 24 bytes, 40 at the beginning of a segment).
Lsn reachable(Lsn position) {
  const auto in_page = position.value % 8192;
  return in_page == 24 || in_page == 40 ? Lsn{position.value - in_page} : position;
}

}  // namespace

SourceRows::SourceRows(const Config& config, const MirroredSource& source)
    : config_{config},
      source_{source},
      options_{mirror::record_options(config, source.database)},
      text_{source.encoding},
      encoding_{source.encoding},
      reader_{stream::open_reader(config, nullptr)} {
  auto asked = stream::open_monitor(config, nullptr);  // in UTF-8
  xml_arrays_ = copy::xml_arrays(asked);
  filters_ = copy::row_filters(asked, config.source.publications);
}

Lsn SourceRows::insert_position() {
  return lsn_field(reader_.exec("SELECT pg_catalog.pg_current_wal_insert_lsn()"), 0, 0);
}

Lsn SourceRows::begin() {
  reader_.exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const auto inserted = reachable(insert_position());  // takes the snapshot first
  const auto deadline = std::chrono::steady_clock::now() + flush_patience;
  for (;;) {
    const auto flushed = lsn_field(reader_.exec("SELECT pg_catalog.pg_current_wal_flush_lsn()"), 0, 0);
    if (flushed >= inserted) return inserted;
    // What is not on disk by now belongs to no commit that the snapshot sees.
    if (std::chrono::steady_clock::now() >= deadline) return flushed;
    std::this_thread::sleep_for(10ms);
  }
}

void SourceRows::end() {
  reader_.exec("ROLLBACK");
}

std::uint64_t SourceRows::estimated_rows(const MirroredTable& table) {
  const auto result = reader_.exec(fmt::format(
      "SELECT coalesce(pg_catalog.sum(greatest(c.reltuples, 0)), 0)::int8 FROM pg_catalog.pg_class c "
      "WHERE c.oid = {0} OR c.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree({0}::oid) WHERE isleaf)",
      table.relation->oid));
  return postgres::count_field(result, 0, 0);
}

std::string SourceRows::query(const MirroredTable& table, std::uint64_t sample) {
  const auto& relation = *table.relation;
  const QualifiedName name{relation.schema, relation.name};
  std::vector<std::string> columns;
  for (const auto& column : relation.columns) columns.push_back(copy::column_expression(column, xml_arrays_));
  auto text = fmt::format("SELECT {} FROM {}{}", fmt::join(columns, ", "), relation.relkind == 'p' ? "" : "ONLY ",
                          name.quoted());
  if (sample > 0) {
    // Pages at random, twice as many as it takes; of small tables all.
    const auto rows = estimated_rows(table);
    if (rows > 10 * sample) {
      text += fmt::format(" TABLESAMPLE SYSTEM ({})", 200.0 * static_cast<double>(sample) / static_cast<double>(rows));
    }
  }
  if (const auto filter = filters_.find(name); filter != filters_.end()) text += " WHERE " + filter->second;
  if (sample > 0) text += fmt::format(" LIMIT {}", sample);
  return fmt::format("COPY ({}) TO STDOUT (FORMAT binary)", text);
}

void SourceRows::read(const MirroredTable& table, std::uint64_t sample,
                      const std::function<void(const mirror::Record&)>& on_row) {
  mirror::TableRecords records{*table.relation, table.key, options_, source_.types, text_};
  const mirror::ChangeContext context{};
  reader_.exec(encoding_.from_utf8(query(table, sample)));
  bool is_first = true;
  for (;;) {
    char* data = nullptr;
    const int size = PQgetCopyData(reader_.handle(), &data, 1);
    const postgres::Memory message{data};
    if (size > 0) {
      std::string_view tuple{data, static_cast<std::size_t>(size)};
      if (is_first && tuple.starts_with(postgres::copy_header)) tuple.remove_prefix(postgres::copy_header.size());
      is_first = false;
      if (tuple.empty() || tuple == postgres::copy_trailer) continue;
      for (const auto& record : records.of_row(tuple, context)) on_row(record);
    } else if (size == 0) {
      reader_.wait_socket(false, -1ms);
      if (PQconsumeInput(reader_.handle()) == 0) reader_.throw_lost();
    } else {
      break;
    }
  }
  reader_.finish_copy();
}

}  // namespace walgate::service
