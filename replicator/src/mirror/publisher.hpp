// publisher.hpp - transactions of the source into transactions of Kafka.
//
// Pieces come in the order of the stream.  Their records are sent while they come; commit() makes them visible together
// with the position that they lead to.  A source transaction is never split over two of Kafka's.  Between transactions
// the rows of a table may be sent, as a snapshot of the source shows them.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "batch/piece.hpp"
#include "config/config.hpp"
#include "mirror/copied_tables.hpp"
#include "mirror/marker_records.hpp"
#include "mirror/progress_record.hpp"
#include "mirror/schema_versions.hpp"
#include "mirror/table_records.hpp"
#include "mirror/topics.hpp"
#include "mirror/transactional_producer.hpp"

namespace walgate::mirror {

/// What records are made from beside the stream.
struct PublisherSource {
  std::string system;    ///< identifier of the cluster
  std::string database;  ///< name
  std::string encoding;  ///< PostgreSQL's name
  std::function<SourceTypes()> read_types;
};

/// Counted since the service started.
struct MirrorCounters {
  std::uint64_t transactions = 0;  ///< of the source
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;    ///< of keys and values
  std::uint64_t commits = 0;  ///< of Kafka transactions
};

/// Thrown at the first change of a table whose rows have to be sent before.
struct CopyWanted {
  QualifiedName table;
};

/// Where the rows of a table go.
struct RowTopic {
  std::string name;
  bool has_keys = false;
  bool is_shared = false;  ///< with other tables: records say in a header which table they are of
};

class Publisher {
 public:
  /// Everything given must outlive the publisher.  `finish` ends whatever waits while it opens and makes topics, `stop`
  /// whatever waits for records to be stored; the call then throws as though its time were over.
  /// `record_limit`: a topic has refused a record, and the least that one takes is this; 0: none has.
  Publisher(const Config& config, const PublisherSource& source, MirrorCounters& counters, const Event& finish,
            const Event& stop, std::uint64_t record_limit = 0);

  // Each throws KafkaError, of whatever kind: the publisher is then of no use any more.  Error where a change has no
  // form in records, or a topic is not what it must be.

  /// Makes the mirror's own topics, shuts a predecessor out, ends what it left open, and reads what it has left;
  /// without a position where the pipeline was never mirrored into this cluster.
  [[nodiscard]] ProgressRecords open();
  [[nodiscard]] const std::string& cluster() { return topics_.cluster().id; }

  /// commit() writes this beside the position.
  [[nodiscard]] MirrorProgress& progress() noexcept { return progress_; }
  /// What is known of tables; set_table() and forget_table() change it, in Kafka with the next commit.
  [[nodiscard]] const CopiedTables& tables() const noexcept { return copied_; }
  void begin_with(CopiedTables tables) { copied_ = std::move(tables); }
  void set_table(const QualifiedName& table, const CopiedTable& entry);
  void forget_table(const QualifiedName& table);
  /// A further record of the progress topic, which is written with the next commit; nullopt takes it away.
  void note(std::string key, std::optional<std::string> value) {
    notes_.emplace_back(std::move(key), std::move(value));
  }
  /// Changes of these are left out.
  void leave_out(const std::set<QualifiedName>& tables) { left_out_ = tables; }

  /// Sends the records of a piece, without those of changes that a copy has brought.  Throws CopyWanted.
  void take(const Piece& piece);

  // A copy: its rows, between transactions.  commit() may be called between two rows.

  /// `relation` as the source's catalog describes it; it must outlive the copy.  `horizon`: where the snapshot stands.
  RowTopic begin_rows(const wire::Relation& relation, Lsn horizon);
  /// One row; a tuple that is whole.
  void take_row(std::string_view tuple);
  /// A key that the topic holds, and the table does not.
  void take_gone(std::string_view key);
  /// The rows that were sent earlier count no more; for a table without a key.
  void take_emptied();

  /// Makes what was taken visible, together with the position.  Between transactions.
  void commit(Lsn position);
  /// The next piece comes from another stream: nothing of the relations of this one may be used any more.  Between
  /// transactions, or when what was taken since the last commit is given up.
  void forget_relations();
  /// Drops what was sent since the last commit, so that readers need not wait for the brokers to do so; as good as it
  /// can be done soon.
  void give_up() noexcept;
  /// Has the brokers' patience with the open transaction perhaps come to its end?
  [[nodiscard]] bool was_open_for_long() const;
  /// The least that one of the topics takes at once, in bytes; 0 when it is not known.
  [[nodiscard]] std::uint64_t least_record_limit() const { return topics_.least_record_limit(); }
  /// Serves what librdkafka has to say.
  void poll() { producer_.poll(); }

 private:
  /// What the progress topic holds, once all that was committed before can be seen.
  [[nodiscard]] ProgressRecords read_own();

  /// A version of a relation on its way to its topic.
  struct Table {
    QualifiedName source;
    std::string name;  ///< schema.table
    std::string topic;
    std::int32_t partitions = 1;
    bool is_compacted = false;
    std::string schema;                     ///< version of its columns, "1.0"
    bool is_shared = false;                 ///< the topic
    bool is_lacking = false;                ///< its rows have to be sent before
    bool tells_gap = false;                 ///< with the next record
    std::unique_ptr<TableRecords> records;  ///< null: not mirrored
    // Of the transaction that `counted_in` names:
    Lsn counted_in;
    std::size_t count = 0;  ///< index in counts_
  };

  Table& table_of(const wire::Relation& relation);
  [[nodiscard]] std::unique_ptr<Table> make_table(const wire::Relation& relation);
  /// The version of the table's columns; a new one is told before the first record that has it.
  [[nodiscard]] std::string schema_of(const std::string& table, const wire::Relation& relation,
                                      std::span<const std::uint16_t> key);
  void know_types(const wire::Relation& relation);
  void take_change(const wire::Change& change, const std::string* complete);
  void take_truncate(const Piece& piece, const wire::Change& change);
  void take_message(const wire::Message& message);
  TableCount& count_of(Table& table);
  /// Has a copy brought what this transaction did to the table?  Throws CopyWanted.
  [[nodiscard]] bool is_in_copy(const wire::Relation& relation, const Table& table) const;
  /// What the table's next record is to tell of the gap; empty: nothing.
  [[nodiscard]] std::string_view gap_to_tell(Table& table);
  std::span<const RecordHeader> headers_of(Table& table, std::string_view position, std::string_view unavailable);
  /// `in_stream`: it is a change of the source, and not the beginning of a copy.
  void send_truncate(Table& table, bool in_stream);
  void begin_if_needed();
  void send_progress();
  /// The transaction's first record is on its way.
  void announce();
  void send_rows(const wire::Relation& relation, Table& table, std::span<const Record> records);
  void send(const std::string& topic, std::int32_t partition, const Record& record,
            std::span<const RecordHeader> headers);
  /// Says where a record is that no broker would take.
  void send_pointer(const std::string& topic, std::int32_t partition, const Record& record,
                    std::span<const RecordHeader> headers);
  [[nodiscard]] bool fits(const std::string& topic, const Record& record, std::span<const RecordHeader> headers) const;
  void produce(const std::string& topic, std::int32_t partition, const Record& record,
               std::span<const RecordHeader> headers);
  void send_to_transactions(const Record& record);

  const Config& config_;
  const PublisherSource& source_;
  MirrorCounters& counters_;
  const Event& finish_;
  const Event& stop_;
  const bool measures_;  ///< each record, before it is sent, against what its topic takes
  const RecordOptions options_;
  const SourceText text_;
  SourceTypes types_;
  Topics topics_;
  TransactionalProducer producer_;
  MarkerRecords markers_;
  MirrorProgress progress_;
  SchemaVersions schemas_;
  std::vector<std::pair<std::string, std::optional<std::string>>> notes_;  ///< with the next commit
  CopiedTables copied_;
  Seam seam_;  ///< of these, and of the relations of one stream
  std::set<QualifiedName> left_out_;
  std::vector<std::unique_ptr<Table>> tables_;  ///< by the serial of the relation's version
  const wire::Relation* copying_ = nullptr;

  bool begun_ = false;          ///< a Kafka transaction is open
  bool is_committing_ = false;  ///< nobody has answered yet
  std::chrono::steady_clock::time_point begun_at_;
  std::string gap_text_;
  std::array<RecordHeader, 7> headers_;
  // Of the source transaction that is being taken:
  ChangeContext context_;
  bool announced_ = false;
  std::vector<TableCount> counts_;
  std::string lsn_text_;
  std::string xid_text_;
  std::string unavailable_;
  std::vector<wire::Value> complete_;
};

}  // namespace walgate::mirror
