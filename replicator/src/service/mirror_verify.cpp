#include "service/mirror_verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "errors/error.hpp"
#include "mirror/kafka_admin.hpp"
#include "mirror/kafka_failure.hpp"
#include "mirror/mirror_settings.hpp"
#include "mirror/progress_record.hpp"
#include "mirror/topic_reader.hpp"
#include "service/mirror_checks.hpp"
#include "service/source_rows.hpp"
#include "service/start_checks.hpp"
#include "stream/source_session.hpp"

namespace walgate::service {

namespace {

using namespace std::chrono_literals;
using mirror::Difference;
using mirror::DifferenceKind;
using mirror::Differences;
using mirror::ExistingTopic;
using mirror::ReadRecord;
using mirror::TopicReader;

constexpr auto kafka_patience = 30s;
constexpr auto progress_interval = 300ms;
constexpr auto round_pause = 1s;
constexpr int most_rounds = 10;
constexpr std::size_t most_examples = 10;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string stream_name(const MirroredTable& table) {
  return table.relation->schema + "." + table.relation->name;
}

/// Follows the mirror's position.
class ProgressReader {
 public:
  explicit ProgressReader(const Config& config)
      : config_{config},
        key_{mirror::progress_key(config.pipeline)},
        reader_{config.kafka.properties, mirror::progress_topic(config), kafka_patience} {}

  /// Throws Error mirror_not_caught_up.
  void wait_for(Lsn position, std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
      reader_.read(kafka_patience, true, [&](const ReadRecord& record) {
        if (record.key != key_ || !record.has_value) return;
        if (const auto progress = mirror::parse_progress(record.value)) position_ = progress->position;
      });
      if (position_ >= position) return;
      if (std::chrono::steady_clock::now() >= deadline) {
        throw Error{{.name = ErrorName::mirror_not_caught_up,
                     .recovery = Recovery::retry,
                     .message = fmt::format("the mirror stands at {} and did not come to {} within {} s",
                                            position_.text(), position.text(), patience / 1s),
                     .phase = "verify"}};
      }
      std::this_thread::sleep_for(progress_interval);
    }
  }

 private:
  const Config& config_;
  const std::string key_;
  TopicReader reader_;
  Lsn position_;
};

/// What END records say; with schemas the record is inside of "payload".
void read_transactions(const Config& config, mirror::TransactionCounts& counts,
                       mirror::KafkaTransactions& transactions) {
  mirror::read_to_end(config.kafka.properties, mirror::transaction_topic(config), 24h, [&](const ReadRecord& record) {
    const auto lsn = Lsn::parse(record.header("walgate.lsn").value_or(""));
    if (!lsn || !record.has_value) return;
    transactions.saw(record.offset, *lsn);
    auto json = nlohmann::json::parse(record.value, nullptr, false);
    if (json.is_object() && json.contains("payload")) json = json["payload"];
    if (!json.is_object() || json.value("status", "") != "END") return;
    for (const auto& table : json.value("data_collections", nlohmann::json::array())) {
      counts.expect(table.value("data_collection", ""), *lsn, table.value("event_count", std::uint64_t{0}));
    }
  });
}

/// One topic with the tables whose records it has.
class TopicVerification {
 public:
  TopicVerification(const Config& config, const MirroredSource& source, const ExistingTopic* existing,
                    std::vector<const MirroredTable*> tables, const mirror::SchemaVersions& versions,
                    mirror::TransactionCounts& counts, const mirror::KafkaTransactions& transactions)
      : config_{config},
        tables_{std::move(tables)},
        counts_{counts},
        transactions_{transactions},
        content_reader_{mirror::record_options(config, source.database).format, config.kafka.schemas} {
    const auto partitions = existing == nullptr ? 1 : existing->partitions;
    for (const auto* table : tables_) {
      views_.emplace_back(stream_name(*table), mirror::schema_columns(*table->relation, table->key), versions,
                          partitions);
    }
    gaps_.resize(static_cast<std::size_t>(partitions));
    last_table_.resize(static_cast<std::size_t>(partitions));
    if (existing == nullptr) return;
    reader_.emplace(config.kafka.properties, existing->name, kafka_patience);
    const auto policy = existing->settings.find("cleanup.policy");
    forgets_ = policy != existing->settings.end() && policy->second.find("delete") != std::string::npos;
  }

  [[nodiscard]] Lsn run(SourceRows& rows, ProgressReader& progress, std::chrono::milliseconds patience) {
    read();  // most of it, before a snapshot is held
    Lsn position;
    for (int round = 1; round <= most_rounds; ++round) {
      if (round > 1) std::this_thread::sleep_for(round_pause);
      position = look(rows, progress, patience, round);
      const bool is_settled =
          std::ranges::all_of(states_, [](const auto& one) { return one.second.undecided.empty(); });
      if (is_settled) break;
    }
    return position;
  }

  [[nodiscard]] std::uint64_t foreign() const noexcept { return foreign_; }

  [[nodiscard]] std::vector<TableVerdict> verdicts() {
    for (std::int32_t partition = 0; reader_ && partition < reader_->partitions(); ++partition) {
      gaps_[static_cast<std::size_t>(partition)].ended(reader_->end_of(partition));
    }
    std::vector<TableVerdict> all;
    for (std::size_t i = 0; i < tables_.size(); ++i) all.push_back(verdict(i));
    return all;
  }

 private:
  /// What rows and records came to.
  struct State {
    Differences undecided;  ///< that the last look found
    Differences confirmed;
    std::uint64_t rows = 0;
    std::uint64_t older = 0;
    std::uint64_t not_sent = 0;
  };

  [[nodiscard]] std::string not_compared(const MirroredTable& table) const {
    if (table.key.empty()) return "its records have no key";
    if (tables_.size() > 1 && config_.kafka.format == KafkaFormat::flat) {
      return "it shares its topic, and records in format flat do not say their table";
    }
    return {};
  }

  void read() {
    if (!reader_) return;
    reader_->read(kafka_patience, true, [this](const ReadRecord& record) { take(record); });
  }

  void take(const ReadRecord& record) {
    const auto lsn = Lsn::parse(record.header("walgate.lsn").value_or(""));
    const auto position = number(record.header("walgate.position").value_or(""));
    if (!lsn || !position) {
      ++foreign_;
      return;
    }
    const auto partition = static_cast<std::size_t>(record.partition);
    gaps_[partition].saw(record.offset, *lsn, transactions_.of(*lsn));
    mirror::ViewedRecord viewed{.partition = record.partition,
                                .offset = record.offset,
                                .key = record.key,
                                .has_key = record.has_key,
                                .lsn = *lsn,
                                .position = *position,
                                .schema = record.header("walgate.schema").value_or(""),
                                .unavailable = record.header("walgate.unavailable").value_or("")};
    std::optional<std::size_t> table;
    if (!record.has_value) {
      table = tables_.size() == 1 ? 0 : last_table_[partition];  // it stands behind its delete
    } else if (content_reader_.read(record.value, content_)) {
      viewed.content = &content_;
      table = table_of(content_.table);
    } else if (record.header("walgate.pointer")) {
      content_ = {};
      content_.operation = 'u';
      viewed.content = &content_;
      table = table_of({});
    } else {
      ++foreign_;
      return;
    }
    last_table_[partition] = table;
    if (!table) return;
    views_[*table].take(viewed);
    const bool counts = record.has_value && content_.operation != 'r' &&
                        // A truncate stands in each partition and is one.
                        (content_.operation != 't' || record.partition == 0);
    if (counts) counts_.saw(stream_name(*tables_[*table]), *lsn);
  }

  std::optional<std::size_t> table_of(const std::string& name) const {
    if (tables_.size() == 1) return 0;
    const auto found = std::ranges::find_if(tables_, [&](const auto* table) { return stream_name(*table) == name; });
    if (found == tables_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - tables_.begin());
  }

  /// One snapshot.
  Lsn look(SourceRows& rows, ProgressReader& progress, std::chrono::milliseconds patience, int round) {
    const auto before = rows.insert_position();
    const auto position = rows.begin();
    progress.wait_for(position, patience);
    read();
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      const auto& table = *tables_[i];
      if (!not_compared(table).empty()) continue;
      auto& state = states_[i];
      if (round > 1 && state.undecided.empty()) continue;
      auto& view = views_[i];
      view.begin_rows();
      rows.read(table, 0, [&](const mirror::Record& record) {
        if (content_reader_.read(record.value, content_)) view.row(record.key, content_);
      });
      const auto found = view.end_rows();
      if (round == 1) {
        state.rows = view.rows();
        state.older = view.older_rows();
      }
      settle(state, found, view, before, round);
    }
    rows.end();
    return position;
  }

  /// A difference counts when it stands a second time, and the key's last record is one that the snapshot must see.
  void settle(State& state, const Differences& found, const mirror::TableView& view, Lsn before, int round) const {
    const auto last = std::exchange(state.undecided, {});
    for (const auto& [key, difference] : found) {
      const auto known = last.find(key);
      if (round > 1 && known == last.end()) continue;  // it was equal before: what came since is on its way
      const bool needs_no_record =
          difference.kind == DifferenceKind::missing && difference.partition < 0 && (!config_.kafka.copy || forgets_);
      if (needs_no_record) {
        ++state.not_sent;
      } else if (round > 1 && known->second == difference && view.last_change_of(key) < before) {
        state.confirmed.emplace(key, difference);
      } else {
        state.undecided.emplace(key, difference);
      }
    }
  }

  TableVerdict verdict(std::size_t i) {
    const auto& view = views_[i];
    const auto& state = states_[i];
    TableVerdict verdict{.table = tables_[i]->display(),
                         .topic = tables_[i]->topic.name,
                         .not_compared = not_compared(*tables_[i]),
                         .records = view.records(),
                         .keys = view.keys(),
                         .rows = state.rows,
                         .undecided = state.undecided.size(),
                         .not_sent = state.not_sent,
                         .older = state.older,
                         // Without exactly_once what was sent before a failure is sent again.
                         .out_of_order = config_.kafka.exactly_once ? view.out_of_order() : 0,
                         .misplaced = view.misplaced(),
                         .order_examples = view.examples(),
                         .transactions = counts_.result(stream_name(*tables_[i]), gaps_)};
    if (!config_.kafka.exactly_once) verdict.transactions.exceeded = 0;
    std::set<std::string> columns;
    for (const auto& [key, difference] : state.confirmed) {
      ++(difference.kind == DifferenceKind::missing      ? verdict.missing
         : difference.kind == DifferenceKind::unexpected ? verdict.unexpected
                                                         : verdict.different);
      columns.insert(difference.columns.begin(), difference.columns.end());
      if (verdict.examples.size() < most_examples) verdict.examples.push_back(difference);
    }
    verdict.columns.assign(columns.begin(), columns.end());
    return verdict;
  }

  const Config& config_;
  const std::vector<const MirroredTable*> tables_;
  mirror::TransactionCounts& counts_;
  const mirror::KafkaTransactions& transactions_;
  mirror::RecordContentReader content_reader_;
  mirror::RecordContent content_;
  std::vector<mirror::TableView> views_;  ///< of each table
  std::map<std::size_t, State> states_;   ///< the same
  std::vector<mirror::OffsetGaps> gaps_;  ///< of each partition
  std::vector<std::optional<std::size_t>> last_table_;
  std::optional<TopicReader> reader_;  ///< none: the topic does not exist
  bool forgets_ = false;               ///< records go in time
  std::uint64_t foreign_ = 0;
};

MirrorVerdict verify(const Config& config, std::chrono::milliseconds patience) {
  auto session = stream::open_monitor(config, nullptr);
  session.set_phase("verify");
  const auto source = read_mirrored_source(config, session);
  Findings findings;
  const auto tables = mirrored_tables(config, source, findings);
  throw_errors(findings.take());

  std::vector<std::string> names{mirror::progress_topic(config), mirror::schemas_topic(config),
                                 mirror::transaction_topic(config)};
  std::map<std::string, std::vector<const MirroredTable*>> topics;
  for (const auto& table : tables) topics[table.topic.name].push_back(&table);
  for (const auto& [name, sharing] : topics) names.push_back(name);
  mirror::KafkaAdmin admin{config.kafka.properties};
  if (!admin.describe({names.data(), 1}, kafka_patience).front()) {
    throw Error{
        {.name = ErrorName::mirror_not_caught_up,
         .recovery = Recovery::stop,
         .message = fmt::format("the cluster has no topic \"{}\": the pipeline was never mirrored into it", names[0]),
         .phase = "verify"}};
  }

  // What has been committed by now is in the topics then, and they are there.
  ProgressReader progress{config};
  SourceRows rows{config, source};
  const auto position = rows.begin();
  rows.end();
  progress.wait_for(position, patience);
  const auto existing = admin.describe(names, kafka_patience);

  mirror::SchemaVersions versions;
  if (existing[1]) {
    mirror::read_to_end(config.kafka.properties, names[1], kafka_patience, [&](const ReadRecord& record) {
      if (record.has_value) versions.read(record.value);
    });
  }
  mirror::TransactionCounts counts;
  mirror::KafkaTransactions transactions;
  MirrorVerdict verdict;
  verdict.with_transactions = config.kafka.transactions && existing[2];
  if (verdict.with_transactions) read_transactions(config, counts, transactions);

  for (const auto& [name, sharing] : topics) {
    const auto place = static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
    TopicVerification topic{config, source,      existing[place] ? &*existing[place] : nullptr, sharing, versions,
                            counts, transactions};
    verdict.position = topic.run(rows, progress, patience);
    for (auto& one : topic.verdicts()) verdict.tables.push_back(std::move(one));
    verdict.topics.push_back({name, topic.foreign()});
  }
  return verdict;
}

}  // namespace

bool MirrorVerdict::is_right() const noexcept {
  return std::ranges::all_of(tables, &TableVerdict::is_right) &&
         std::ranges::all_of(topics, [](const TopicVerdict& topic) { return topic.foreign == 0; });
}

MirrorVerdict verify_mirror(const Config& config, std::chrono::milliseconds patience) {
  require_mirror(config);
  try {
    return verify(config, patience);
  } catch (const mirror::KafkaError& error) {
    auto failure = mirror::failure_of(error, config);
    if (failure.name == ErrorName::kafka_refused) failure.recovery = Recovery::stop;
    throw Error{std::move(failure)};
  }
}

}  // namespace walgate::service
