#include "mirror/publisher.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "errors/error.hpp"
#include "mirror/mirror_settings.hpp"
#include "mirror/partition.hpp"
#include "mirror/patience.hpp"
#include "mirror/record_key.hpp"
#include "mirror/record_schema.hpp"
#include "mirror/topic_reader.hpp"
#include "observe/log.hpp"

namespace walgate::mirror {

namespace {

using namespace std::chrono_literals;

/// Longer without progress, and the broker does not answer: the transaction is given up and taken again later.
constexpr auto produce_patience = 10s;
constexpr auto commit_patience = 10s;
constexpr auto abort_patience = 2s;
constexpr std::uint32_t first_user_oid = 16384;

std::int64_t now_microseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Publisher::Publisher(const Config& config, const PublisherSource& source, MirrorCounters& counters, const Event& finish,
                     const Event& stop, std::uint64_t record_limit)
    : config_{config},
      source_{source},
      counters_{counters},
      finish_{finish},
      stop_{stop},
      measures_{record_limit != 0},
      options_{record_options(config, source.database)},
      text_{source.encoding},
      topics_{config, &finish},
      producer_{config.kafka.properties, producer_properties(config, record_limit), config.kafka.exactly_once},
      markers_{options_, text_} {}

ProgressRecords Publisher::open() {
  topics_.ensure(progress_topic(config_), TopicPurpose::progress, 1);
  topics_.ensure(schemas_topic(config_), TopicPurpose::schemas, 1);
  if (config_.kafka.transactions) topics_.ensure(transaction_topic(config_), TopicPurpose::transactions, 1);
  producer_.initialise({answer_patience, &finish_});
  auto found = read_own();
  if (found.position) progress_ = *found.position;
  read_to_end(config_.kafka.properties, schemas_topic(config_), {answer_patience, &finish_},
              [this](const ReadRecord& record) {
                if (record.has_value) schemas_.read(record.value);
              });
  return found;
}

// A commit is answered before its markers are in the topics; after a restart of the brokers they may come late, and
// until then readers see the position of before.  Behind a record of our own that can be seen nothing is undecided.
ProgressRecords Publisher::read_own() {
  const auto topic = progress_topic(config_);
  const auto key = opened_key(config_.pipeline);
  const auto mark = draw_incarnation();
  producer_.begin();
  producer_.produce(topic, 0, {.key = key, .value = mark}, {answer_patience, &finish_});
  producer_.commit({answer_patience, &finish_});
  const Patience patience{answer_patience, &finish_};
  for (;;) {
    auto found = read_progress(config_.kafka.properties, topic, config_.pipeline, patience);
    if (found.opened == mark) return found;
    if (patience.is_over()) {
      throw KafkaError{KafkaError::Kind::retriable, RD_KAFKA_RESP_ERR__TIMED_OUT,
                       fmt::format("topic \"{}\" does not show what was committed to it", topic)};
    }
    poll();
  }
}

void Publisher::set_table(const QualifiedName& table, const CopiedTable& entry) {
  copied_.set(table, entry);
  note(table_key(config_.pipeline, table), table_value(entry));
}

void Publisher::forget_table(const QualifiedName& table) {
  copied_.forget(table);
  note(table_key(config_.pipeline, table), std::nullopt);
}

void Publisher::forget_relations() {
  tables_.clear();
  seam_ = copied_.seam();
  gap_text_ = progress_.gap ? progress_.gap->text() : std::string{};
}

// Changes

void Publisher::take(const Piece& piece) {
  begin_if_needed();
  const auto& frame = piece.frame;
  copying_ = nullptr;
  if (piece.is_first()) {
    context_.transaction = piece.transaction;
    context_.previous_commit = progress_.last_commit;
    context_.order = 1;
    announced_ = false;
    counts_.clear();
    lsn_text_ = piece.transaction.final_lsn.text();
    xid_text_ = std::to_string(piece.transaction.xid);
  }
  context_.now = now_microseconds();
  std::size_t next_message = 0;
  auto completed = piece.completed.begin();
  for (std::size_t i = 0; i <= frame.changes.size(); ++i) {
    for (; next_message < frame.messages.size() && frame.messages_after[next_message] == i; ++next_message) {
      take_message(frame.messages[next_message]);
    }
    if (i == frame.changes.size()) break;
    const auto& change = frame.changes[i];
    if (change.kind == wire::RecordKind::truncate) {
      take_truncate(piece, change);
    } else {
      const bool has_image = completed != piece.completed.end() && completed->change == i;
      take_change(change, has_image ? &completed->tuple : nullptr);
      if (has_image) ++completed;
    }
  }
  if (!piece.is_last()) return;
  ++counters_.transactions;
  if (!announced_) return;
  if (config_.kafka.transactions) send_to_transactions(markers_.end(piece.transaction, counts_));
  progress_.last_commit = piece.transaction.final_lsn;
}

void Publisher::take_change(const wire::Change& change, const std::string* complete) {
  auto& table = table_of(*change.relation);
  if (!table.records || is_in_copy(*change.relation, table)) return;
  announce();
  auto& count = count_of(table);
  context_.order_in_table = count.records + 1;
  complete_.clear();
  if (complete != nullptr) wire::split_tuple(*complete, complete_);
  const auto records = table.records->of_change(change, context_, complete_);
  send_rows(*change.relation, table, records);
}

void Publisher::take_truncate(const Piece& piece, const wire::Change& change) {
  for (const auto* relation : piece.frame.truncates[change.truncate_index]) {
    auto& table = table_of(*relation);
    if (!table.records || is_in_copy(*relation, table)) continue;
    announce();
    auto& count = count_of(table);
    context_.order_in_table = count.records + 1;
    send_truncate(table, true);
    ++context_.order;
    ++count.records;
  }
}

/// A compacted topic takes no record without a key; each partition gets the record, so that it stands in order with the
/// rows there.  The topic of transactions has it once.
void Publisher::send_truncate(Table& table, bool in_stream) {
  const auto plain = table.records->of_truncate(context_).front();
  const auto key = truncate_key(table.name, options_.codec.with_schema);
  auto keyed = plain;
  keyed.key = key;
  keyed.has_key = true;
  const auto& record = table.is_compacted ? keyed : plain;
  const auto position = std::to_string(context_.order);
  const auto headers = headers_of(table, position, {});
  for (std::int32_t partition = 0; partition < table.partitions; ++partition) {
    send(table.topic, partition, record, headers);
  }
  if (in_stream && config_.kafka.transactions) send(transaction_topic(config_), 0, keyed, headers);
}

bool Publisher::is_in_copy(const wire::Relation& relation, const Table& table) const {
  if (seam_.holds(relation, context_.transaction)) return true;
  if (table.is_lacking) throw CopyWanted{table.source};
  return false;
}

void Publisher::take_message(const wire::Message& message) {
  if (!message.transactional || message.prefix.starts_with("walgate") || !config_.kafka.transactions) return;
  announce();
  send_to_transactions(markers_.message(message, context_));
}

void Publisher::announce() {
  if (announced_) return;
  announced_ = true;
  if (config_.kafka.transactions) send_to_transactions(markers_.begin(context_.transaction));
}

TableCount& Publisher::count_of(Table& table) {
  if (table.counted_in != context_.transaction.end_lsn) {
    table.counted_in = context_.transaction.end_lsn;
    const auto found = std::ranges::find(counts_, table.name, &TableCount::table);  // of another version
    table.count = static_cast<std::size_t>(found - counts_.begin());
    if (found == counts_.end()) counts_.push_back({table.name, 0});
  }
  return counts_[table.count];
}

// Tables

Publisher::Table& Publisher::table_of(const wire::Relation& relation) {
  if (tables_.size() <= relation.serial) tables_.resize(relation.serial + 1);
  auto& table = tables_[relation.serial];
  if (!table) table = make_table(relation);
  return *table;
}

std::unique_ptr<Publisher::Table> Publisher::make_table(const wire::Relation& relation) {
  auto table = std::make_unique<Table>();
  table->source = {relation.schema, relation.name};
  table->name = relation.schema + "." + relation.name;
  const auto wanted = topic_of_table(config_, table->source);
  if (!wanted || left_out_.contains(table->source)) return table;
  table->is_lacking = copied_.lacks(table->source, relation.oid);
  table->tells_gap = !gap_text_.empty();
  know_types(relation);
  const auto key = key_columns(config_, relation);
  table->records = std::make_unique<TableRecords>(relation, key, options_, types_, text_);
  const auto purpose = table->records->has_key() && !wanted->is_shared ? TopicPurpose::table : TopicPurpose::keyless;
  const auto& topic = topics_.ensure(wanted->name, purpose, wanted->partitions);
  table->topic = topic.name;
  table->partitions = topic.partitions;
  table->is_shared = wanted->is_shared;
  const auto policy = topic.settings.find("cleanup.policy");
  table->is_compacted = policy != topic.settings.end() && policy->second.find("compact") != std::string::npos;
  table->schema = schema_of(table->name, relation, key);
  return table;
}

std::string Publisher::schema_of(const std::string& table, const wire::Relation& relation,
                                 std::span<const std::uint16_t> key) {
  const auto [version, is_new] = schemas_.of(table, schema_columns(relation, key), context_.transaction.final_lsn);
  if (is_new) {
    begin_if_needed();
    const auto record_key = schema_key(table, version);
    const auto value = schema_value(table, version);
    const auto headers = std::to_array<RecordHeader>({{"walgate.lsn", lsn_text_}, {"walgate.xid", xid_text_}});
    send(schemas_topic(config_), 0, {.key = record_key, .value = value}, headers);
    log::info("schema_version", "a table has new columns in records",
              {{"table", table}, {"version", version.text()}, {"lsn", version.lsn}});
  }
  return version.text();
}

/// Types that users made are in the source's catalog only; one that is new there is looked up when it first comes.
void Publisher::know_types(const wire::Relation& relation) {
  const bool all_known = std::ranges::all_of(relation.columns, [this](const wire::Column& column) {
    return column.type_oid < first_user_oid || types_.contains(column.type_oid);
  });
  if (all_known) return;
  for (auto& [oid, type] : source_.read_types()) types_.try_emplace(oid, std::move(type));
}

// Records

void Publisher::send_rows(const wire::Relation& relation, Table& table, std::span<const Record> records) {
  unavailable_.clear();
  for (const auto column : table.records->unavailable()) {
    unavailable_ += (unavailable_.empty() ? "" : ",") + relation.columns[column].name;
  }
  char digits[20];
  std::uint64_t made = 0;
  for (const auto& record : records) {
    if (!record.is_tombstone) ++made;
    // A tombstone stands where its delete does.
    const auto* const end = std::to_chars(std::begin(digits), std::end(digits), context_.order + made - 1).ptr;
    const auto headers = headers_of(table, {digits, static_cast<std::size_t>(end - digits)}, unavailable_);
    const auto partition = record.has_key ? partition_of(record.key, table.partitions) : 0;
    send(table.topic, partition, record, headers);
  }
  context_.order += made;
  if (copying_ == nullptr) counts_[table.count].records += made;
}

std::string_view Publisher::gap_to_tell(Table& table) {
  if (!std::exchange(table.tells_gap, false)) return {};
  const auto* known = copied_.find(table.source);
  auto entry = known == nullptr ? CopiedTable{} : *known;
  if (entry.gap_told == gap_text_) return {};  // another version of the table had a record
  entry.gap_told = gap_text_;
  set_table(table.source, entry);
  return gap_text_;
}

std::span<const RecordHeader> Publisher::headers_of(Table& table, std::string_view position,
                                                    std::string_view unavailable) {
  std::size_t count = 0;
  headers_[count++] = {"walgate.lsn", lsn_text_};
  headers_[count++] = {"walgate.position", position};
  if (!xid_text_.empty()) headers_[count++] = {"walgate.xid", xid_text_};
  headers_[count++] = {"walgate.schema", table.schema};
  if (!unavailable.empty()) headers_[count++] = {"walgate.unavailable", unavailable};
  if (table.is_shared) headers_[count++] = {"walgate.table", table.name};
  if (const auto gap = gap_to_tell(table); !gap.empty()) headers_[count++] = {"walgate.gap", gap};
  return std::span{headers_}.first(count);
}

// Rows of a copy

RowTopic Publisher::begin_rows(const wire::Relation& relation, Lsn horizon) {
  using namespace std::chrono;
  forget_relations();
  copying_ = &relation;
  constexpr microseconds from_1970_to_2000{946'684'800'000'000};
  context_.transaction = {.xid = 0,
                          .final_lsn = horizon,
                          .end_lsn = horizon,
                          .commit_time = now_microseconds() - from_1970_to_2000.count()};
  context_.previous_commit = progress_.last_commit;
  context_.order = 1;
  lsn_text_ = horizon.text();
  xid_text_.clear();
  const auto& table = table_of(relation);
  return {.name = table.topic, .has_keys = table.records->has_key(), .is_shared = table.is_shared};
}

void Publisher::take_row(std::string_view tuple) {
  begin_if_needed();
  auto& table = table_of(*copying_);
  context_.now = now_microseconds();
  send_rows(*copying_, table, table.records->of_row(tuple, context_));
}

void Publisher::take_gone(std::string_view key) {
  begin_if_needed();
  auto& table = table_of(*copying_);
  context_.now = now_microseconds();
  send_rows(*copying_, table, table.records->of_gone(key, context_));
}

void Publisher::take_emptied() {
  begin_if_needed();
  context_.now = now_microseconds();
  send_truncate(table_of(*copying_), false);
  ++context_.order;
}

void Publisher::send_to_transactions(const Record& record) {
  const auto headers = std::to_array<RecordHeader>({{"walgate.lsn", lsn_text_}, {"walgate.xid", xid_text_}});
  send(transaction_topic(config_), 0, record, headers);
}

void Publisher::send(const std::string& topic, std::int32_t partition, const Record& record,
                     std::span<const RecordHeader> headers) {
  try {
    if (!measures_ || fits(topic, record, headers)) return produce(topic, partition, record, headers);
  } catch (const KafkaError& error) {
    // Not of an earlier record, which the brokers have refused meanwhile.
    if (error.code() != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || error.kind() != KafkaError::Kind::retriable) throw;
  }
  if (config_.kafka.oversize == Oversize::pointer) return send_pointer(topic, partition, record, headers);
  throw at_transaction({.name = ErrorName::record_too_large,
                        .message = fmt::format("a record for topic \"{}\" has {} bytes, which is more than "
                                               "message.max.bytes or the topic's max.message.bytes",
                                               topic, record.key.size() + record.value.size()),
                        .phase = "mirror"},
                       context_.transaction);
}

/// The broker measures a batch, after compression; what a record adds to its own bytes there is estimated.
bool Publisher::fits(const std::string& topic, const Record& record, std::span<const RecordHeader> headers) const {
  constexpr std::size_t of_batch_and_record = 100;
  constexpr std::size_t of_header = 8;
  auto size = of_batch_and_record + record.key.size() + record.value.size();
  for (const auto& header : headers) size += of_header + header.name.size() + header.value.size();
  const auto limit = topics_.record_limit(topic);
  return limit == 0 || size <= limit;
}

void Publisher::send_pointer(const std::string& topic, std::int32_t partition, const Record& record,
                             std::span<const RecordHeader> headers) {
  const auto bytes = std::to_string(record.value.size());
  const auto position = std::ranges::find(headers, "walgate.position", &RecordHeader::name);
  const auto value = fmt::format(R"({{"walgate_pointer":{{"lsn":"{}","xid":{},"position":{},"bytes":{}}}}})", lsn_text_,
                                 xid_text_, position == headers.end() ? "null" : position->value, bytes);
  std::vector<RecordHeader> more{headers.begin(), headers.end()};
  more.push_back({"walgate.pointer", bytes});
  log::warning("record_too_large", "sent a pointer instead of a record that is larger than message.max.bytes",
               {{"topic", topic}, {"lsn", context_.transaction.final_lsn}, {"bytes", bytes}});
  produce(topic, partition, {.key = record.key, .value = value, .has_key = record.has_key}, more);
}

void Publisher::produce(const std::string& topic, std::int32_t partition, const Record& record,
                        std::span<const RecordHeader> headers) {
  producer_.produce(topic, partition,
                    {.key = record.key,
                     .value = record.value,
                     .has_key = record.has_key,
                     .has_value = !record.is_tombstone,
                     .headers = headers},
                    {produce_patience, &stop_});
  ++counters_.records;
  counters_.bytes += record.key.size() + record.value.size();
}

// Transactions of Kafka

void Publisher::begin_if_needed() {
  if (begun_) return;
  producer_.begin();
  begun_ = true;
  begun_at_ = std::chrono::steady_clock::now();
  // Once more what holds: the partition is then announced to the brokers together with those of the rows, where waiting
  // for the position's end would cost a commit one more answer.
  if (config_.kafka.exactly_once && !progress_.incarnation.empty()) send_progress();
}

void Publisher::give_up() noexcept {
  // What became of a commit without an answer the next producer finds out.
  if (!std::exchange(begun_, false) || is_committing_) return;
  try {
    producer_.abort(Patience{abort_patience});
  } catch (const KafkaError& error) {
    const auto code = error.code();
    const bool may_be_open = code != RD_KAFKA_RESP_ERR__FENCED && code != RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH &&
                             code != RD_KAFKA_RESP_ERR_PRODUCER_FENCED;  // else a successor has ended it
    log::event(may_be_open ? log::Level::warning : log::Level::debug, "transaction_left_open", error.what());
  }
}

bool Publisher::was_open_for_long() const {
  if (!begun_ || !config_.kafka.exactly_once) return false;
  const auto own = producer_properties(config_);
  const auto& given = config_.kafka.properties;
  const auto found = given.find("transaction.timeout.ms");
  const auto& text = found != given.end() ? found->second : own.at("transaction.timeout.ms");
  const std::chrono::milliseconds timeout{std::strtoll(text.c_str(), nullptr, 10)};
  return std::chrono::steady_clock::now() - begun_at_ > timeout / 2;
}

void Publisher::send_progress() {
  producer_.produce(progress_topic(config_), 0,
                    {.key = progress_key(config_.pipeline), .value = progress_value(progress_)},
                    {produce_patience, &stop_});
}

void Publisher::commit(Lsn position) {
  begin_if_needed();
  progress_.position = position;
  if (!config_.kafka.exactly_once)
    producer_.commit({commit_patience, &stop_});  // the position must not be there before them
  send_progress();
  for (const auto& [name, text] : notes_) {
    producer_.produce(progress_topic(config_), 0,
                      {.key = name, .value = text.value_or(""), .has_value = text.has_value()},
                      {produce_patience, &stop_});
  }
  is_committing_ = true;
  try {
    producer_.commit({commit_patience, &stop_});
  } catch (const KafkaError& error) {
    is_committing_ = error.kind() != KafkaError::Kind::abortable;  // else it was refused for certain
    throw;
  }
  is_committing_ = false;
  notes_.clear();
  begun_ = false;
  ++counters_.commits;
}

}  // namespace walgate::mirror
