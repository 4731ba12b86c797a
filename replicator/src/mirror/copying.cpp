#include "mirror/copying.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "copy/row_query.hpp"
#include "mirror/gone_keys.hpp"
#include "mirror/record_schema.hpp"
#include "mirror/topic_reader.hpp"
#include "observe/log.hpp"
#include "postgres/copy_format.hpp"
#include "stream/source_session.hpp"

namespace walgate::mirror {

namespace {

using namespace std::chrono_literals;

constexpr auto read_patience = 30s;
/// Of keys that are held at once.
constexpr std::size_t most_key_bytes = 64UL * 1024 * 1024;
/// Rows between two calls of `often`.
constexpr std::uint64_t often_rows = 1000;

/// Does the value say that the row is there?
bool tells_row(const ReadRecord& record, bool with_tombstones) {
  if (!record.has_value) return false;
  if (with_tombstones) return true;
  const auto json = nlohmann::json::parse(record.value, nullptr, false);
  const auto& payload = json.is_object() && json.contains("payload") ? json["payload"] : json;
  return !payload.is_object() || (payload.value("op", "") != "d" && payload.value("__op", "") != "d");
}

}  // namespace

Copying::Copying(const Config& config, const PublisherSource& source, Publisher& publisher, const Event& leave,
                 bool awaited, std::function<void(const CopyingProgress&)> often)
    : config_{config},
      leave_{leave},
      publisher_{publisher},
      often_{std::move(often)},
      holder_{
          config, leave, awaited,
          [last = std::string{}](const std::string& what) mutable {
            if (!what.empty() && what != last) {
              log::info("copy_waiting", "the mirror waits on the source before the snapshot is taken", {{"for", what}});
            }
            last = what;
          }},
      reader_{stream::open_reader(config, &leave), source.encoding} {
  holder_.wait_for_running();
}

bool Copying::copy(const QualifiedName& table, const PublishedTable& published, Lsn position) {
  position_ = position;
  progress_ = {};
  open_rows_ = open_bytes_ = 0;
  const auto snapshot = enter(table);
  const auto relations = holder_.relations({table});
  if (relations.empty()) {
    reader_.leave();
    holder_.release();
    return false;
  }
  const auto& relation = relations.front();
  progress_.estimated = holder_.sizes({table})[table].rows;
  const auto topic = publisher_.begin_rows(relation, snapshot.horizon);
  log::info("mirror_copy_started", "sends what the table holds",
            {{"relation", table.display()}, {"topic", topic.name}, {"rows_estimated", progress_.estimated}});
  const auto ends = ends_of(config_.kafka.properties, topic.name, read_patience);
  const bool any_before = std::ranges::any_of(ends, [](const auto& one) { return one.begin != one.end; });
  ends_.clear();
  for (const auto& one : ends) ends_.push_back(one.end);
  often_(progress_);
  if (any_before && !topic.has_keys) publisher_.take_emptied();
  send_rows(relation);
  reader_.leave();
  holder_.release();
  if (any_before && topic.has_keys) {
    publisher_.commit(position_);
    send_gone(table, topic);
  }
  const auto* before = publisher_.tables().find(table);
  publisher_.set_table(table, {.oid = relation.oid,
                               .ids = ids_of(published),
                               .snapshot = snapshot.text,
                               .horizon = snapshot.horizon,
                               .rows = progress_.rows,
                               .again = false,
                               .gap_told = before == nullptr ? std::string{} : before->gap_told});
  publisher_.commit(position_);
  log::info("mirror_table_copied", "the table's rows are in Kafka",
            {{"relation", table.display()},
             {"topic", topic.name},
             {"rows", progress_.rows},
             {"snapshot", snapshot.text},
             {"horizon", snapshot.horizon}});
  return true;
}

copy::TakenSnapshot Copying::enter(const QualifiedName& table) {
  for (;;) {
    auto snapshot = holder_.take({table});
    if (reader_.enter(snapshot)) return snapshot;
    reader_.leave();
    holder_.wait_for_lock({table});
  }
}

void Copying::send_rows(const wire::Relation& relation) {
  const auto filters = holder_.filters();
  const auto filter = filters.find({relation.schema, relation.name});
  const auto query =
      copy::row_query(relation, holder_.xml_arrays(), filter == filters.end() ? std::string{} : filter->second);
  bool is_first = true;
  reader_.read(query, [&](const postgres::Memory& message, std::size_t size) {
    std::string_view tuple{message.get(), size};
    if (std::exchange(is_first, false)) {
      tuple.remove_prefix(std::min(tuple.size(), postgres::copy_header.size()));
    }
    if (tuple.empty() || tuple == postgres::copy_trailer) return;
    publisher_.take_row(tuple);
    ++progress_.rows;
    ++open_rows_;
    open_bytes_ += tuple.size();
    commit_if_full();
  });
}

void Copying::send_gone(const QualifiedName& table, const RowTopic& topic) {
  const auto name = table.schema + "." + table.name;
  const auto is_of_truncate = [plain = truncate_key(name, false), whole = truncate_key(name, true)](const auto& key) {
    return key == plain || key == whole;
  };
  GoneKeys gone{most_key_bytes};
  std::uint64_t sent = 0;
  do {
    read_to_end(config_.kafka.properties, topic.name, read_patience, [&](const ReadRecord& record) {
      if (leave_.is_set()) throw postgres::Interrupted{};
      if (record.key.empty() || is_of_truncate(record.key)) return;
      if (topic.is_shared && record.header("walgate.table") != name) return;
      const auto partition = static_cast<std::size_t>(record.partition);
      if (partition < ends_.size() && record.offset < ends_[partition]) {
        gone.take_before(record.key, tells_row(record, config_.kafka.tombstones));
      } else if (record.has_value) {  // else the tombstone of a key that was found gone in the reading before
        gone.take_copied(record.key);
      }
    });
    for (const auto& key : gone.found()) {
      publisher_.take_gone(key);
      ++sent;
      ++open_rows_;
      open_bytes_ += key.size();
      commit_if_full();
    }
    if (open_rows_ > 0) publisher_.commit(position_);  // the next reading waits for the transaction's end otherwise
    open_rows_ = open_bytes_ = 0;
  } while (gone.next_pass());
  if (sent > 0) {
    log::info("mirror_rows_gone", "keys that the topic held and the table does not were deleted",
              {{"relation", table.display()}, {"topic", topic.name}, {"rows", sent}});
  }
}

void Copying::commit_if_full() {
  const bool is_full = open_rows_ >= config_.kafka.transaction_rows || open_bytes_ >= config_.kafka.transaction_bytes;
  if (is_full) {
    publisher_.commit(position_);
    open_rows_ = open_bytes_ = 0;
  }
  if (is_full || progress_.rows % often_rows == 0) often_(progress_);
}

}  // namespace walgate::mirror
