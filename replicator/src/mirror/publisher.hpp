// publisher.hpp - transactions of the source into transactions of Kafka.
//
// Pieces come in the order of the stream.  Their records are sent while they come; commit() makes them visible together
// with the position that they lead to.  A source transaction is never split over two of Kafka's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch/piece.hpp"
#include "config/config.hpp"
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

class Publisher {
 public:
  /// Everything given must outlive the publisher.  `finish` ends whatever waits while it opens and makes topics, `stop`
  /// whatever waits for records to be stored; the call then throws as though its time were over.
  /// `record_limit`: a topic has refused a record, and the least that one takes is this; 0: none has.
  Publisher(const Config& config, const PublisherSource& source, MirrorCounters& counters, const Event& finish,
            const Event& stop, std::uint64_t record_limit = 0);

  // Each throws KafkaError, of whatever kind: the publisher is then of no use any more.  Error where a change has no
  // form in records, or a topic is not what it must be.

  /// Makes the mirror's own topics, shuts a predecessor out, ends what it left open, and reads where it was; nullopt
  /// where the pipeline was never mirrored into this cluster.
  [[nodiscard]] std::optional<MirrorProgress> open();
  /// From here on commit() writes these beside the position.
  void begin_with(const MirrorProgress& progress) { progress_ = progress; }
  [[nodiscard]] const std::string& cluster() { return topics_.cluster().id; }

  /// Sends the records of a piece.
  void take(const Piece& piece);
  /// Makes what was taken visible, together with the position.  Between transactions.
  void commit(Lsn position);
  /// The next piece comes from another stream: nothing of the relations of this one may be used any more.  Between
  /// transactions, or when what was taken since the last commit is given up.
  void forget_relations() { tables_.clear(); }
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
  /// A version of a relation on its way to its topic.
  struct Table {
    std::string name;  ///< schema.table
    std::string topic;
    std::int32_t partitions = 1;
    bool is_compacted = false;
    std::string schema;                     ///< version of its columns, "1.0"
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
  void begin_if_needed();
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
  std::vector<std::unique_ptr<Table>> tables_;  ///< by the serial of the relation's version

  bool begun_ = false;  ///< a Kafka transaction is open
  std::chrono::steady_clock::time_point begun_at_;
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
