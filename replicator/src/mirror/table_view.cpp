#include "mirror/table_view.hpp"

#include <algorithm>

#include "mirror/partition.hpp"

namespace walgate::mirror {

namespace {

constexpr std::size_t most_examples = 10;

/// Is the name one of the comma-separated ones?
bool is_listed(std::string_view list, std::string_view name) {
  for (std::size_t at = 0; at <= list.size();) {
    const auto end = std::min(list.find(',', at), list.size());
    if (list.substr(at, end - at) == name) return true;
    at = end + 1;
  }
  return false;
}

}  // namespace

TableView::TableView(std::string name, std::vector<SchemaColumn> now, const SchemaVersions& versions,
                     std::int32_t partitions)
    : name_{std::move(name)},
      now_{std::move(now)},
      versions_{versions},
      truncated_(static_cast<std::size_t>(partitions), -1),
      places_(static_cast<std::size_t>(partitions)) {}

void TableView::take(const ViewedRecord& record) {
  ++records_;
  const auto partition = static_cast<std::size_t>(record.partition);
  const char operation = record.content == nullptr ? 'd' : record.content->operation;
  if (operation == 't') {
    truncated_[partition] = record.offset;
    return;
  }
  if (!record.has_key) {
    auto& last = places_[partition];
    if (operation != 'r' && std::pair{record.lsn, record.position} <= std::pair{last.lsn, last.position}) {
      note(record, out_of_order_);
    }
    last = {record.lsn, record.position};
    return;
  }
  if (partition_of(record.key, static_cast<std::int32_t>(truncated_.size())) != record.partition) {
    note(record, misplaced_);
  }
  auto& entry = entries_[hash_of(record.key)];
  const bool is_tombstone = record.content == nullptr;
  // Rows of a copy stand where the copy was made, not where they were changed.
  if (operation != 'r') {
    const auto before = std::pair{entry.lsn, entry.position};
    const auto after = std::pair{record.lsn, record.position};
    const bool is_its_tombstone = is_tombstone && !entry.was_tombstone && after == before;
    if (after <= before && !is_its_tombstone) note(record, out_of_order_);
    entry.lsn = record.lsn;
    entry.position = record.position;
  } else {
    entry.lsn = record.lsn;
    entry.position = 0;
  }
  entry.partition = record.partition;
  entry.offset = record.offset;
  entry.was_tombstone = is_tombstone;
  entry.exists = operation != 'd';
  entry.hashes.clear();
  if (!entry.exists) {
    entry.hashes.shrink_to_fit();
    return;
  }
  entry.shape = shape_of(record.schema, *record.content);
  entry.hashes = record.content->hashes;
  if (record.unavailable.empty()) return;
  const auto& columns = shapes_[entry.shape].columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (is_listed(record.unavailable, columns[i])) entry.hashes[i] = unknown_value;
  }
}

std::uint32_t TableView::shape_of(std::string_view version, const RecordContent& content) {
  const auto is_it = [&](const Shape& shape) { return shape.version == version && shape.columns == content.columns; };
  if (last_shape_ < shapes_.size() && is_it(shapes_[last_shape_])) return last_shape_;
  const auto found = std::ranges::find_if(shapes_, is_it);
  last_shape_ = static_cast<std::uint32_t>(found - shapes_.begin());
  if (found != shapes_.end()) return last_shape_;
  Shape shape{.version = std::string{version}, .columns = content.columns, .places = {}};
  const auto* const known = versions_.find(name_, version);
  shape.is_now = true;
  for (const auto& column : now_) {
    const auto place = std::ranges::find(shape.columns, column.name);
    // A value of another type has another form; of a version that nobody knows it is taken for the same.
    const auto same_type = known == nullptr || std::ranges::any_of(known->columns, [&](const SchemaColumn& one) {
                             return one.name == column.name && one.type == column.type && one.typmod == column.typmod;
                           });
    const bool is_comparable = place != shape.columns.end() && same_type;
    shape.places.push_back(is_comparable ? static_cast<int>(place - shape.columns.begin()) : -1);
    shape.is_now = shape.is_now && is_comparable;
  }
  shapes_.push_back(std::move(shape));
  return last_shape_;
}

void TableView::note(const ViewedRecord& record, std::uint64_t& counter) {
  ++counter;
  if (examples_.size() < most_examples) examples_.push_back({record.partition, record.offset});
}

bool TableView::is_there(const Entry& entry) const {
  return entry.exists && entry.offset > truncated_[static_cast<std::size_t>(entry.partition)];
}

void TableView::begin_rows() {
  ++round_;
  rows_ = older_rows_ = 0;
  differences_.clear();
}

void TableView::row(std::string_view key, const RecordContent& row) {
  ++rows_;
  const auto hash = hash_of(key);
  const auto found = entries_.find(hash);
  if (found == entries_.end()) {
    differences_.emplace(hash, Difference{.kind = DifferenceKind::missing});
    return;
  }
  auto& entry = found->second;
  entry.round = round_;
  if (!is_there(entry)) {
    differences_.emplace(
        hash, Difference{.kind = DifferenceKind::missing, .partition = entry.partition, .offset = entry.offset});
    return;
  }
  const auto& shape = shapes_[entry.shape];
  if (!shape.is_now) ++older_rows_;
  std::vector<std::string> columns;
  for (std::size_t i = 0; i < row.hashes.size(); ++i) {
    const auto place = shape.places[i];
    if (place < 0) continue;
    const auto other = entry.hashes[static_cast<std::size_t>(place)];
    if (other != unknown_value && other != row.hashes[i]) columns.push_back(row.columns[i]);
  }
  if (columns.empty()) return;
  differences_.emplace(hash, Difference{.kind = DifferenceKind::different,
                                        .partition = entry.partition,
                                        .offset = entry.offset,
                                        .columns = std::move(columns)});
}

Differences TableView::end_rows() {
  for (const auto& [hash, entry] : entries_) {
    if (entry.round == round_ || !is_there(entry)) continue;
    differences_.emplace(
        hash, Difference{.kind = DifferenceKind::unexpected, .partition = entry.partition, .offset = entry.offset});
  }
  return std::move(differences_);
}

std::uint64_t TableView::keys() const {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(entries_, [this](const auto& one) { return is_there(one.second); }));
}

Lsn TableView::last_change_of(std::uint64_t key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? Lsn{} : found->second.lsn;
}

}  // namespace walgate::mirror
