// progress_record.hpp - what the mirror remembers, as records of a compacted topic of its own.
//
// What tells of records is written in their Kafka transaction, so that records and position are one.  Keys:
//
//   {"pipeline":P}                             the position
//   {"pipeline":P,"table":"schema.table"}      how the table's topic was filled
//   {"pipeline":P,"republish":T,"id":…}        a person wants a table's topic built again; T null: all of them
//   {"pipeline":P,"opened":true}               what the last producer wrote first, so that it can tell when it is seen
//   {"pipeline":P,"error":true}                what the mirror stands at
//   {"pipeline":P,"skip":LSN}                  a person wants the transaction left out that it stands at
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/identifier.hpp"
#include "errors/error.hpp"
#include "mirror/kafka_config.hpp"
#include "mirror/patience.hpp"
#include "wire/lsn.hpp"

namespace walgate::mirror {

/// Changes that the topics lack: those of transactions that end after `from` and not after `to`.
struct MirrorGap {
  Lsn from;
  Lsn to;  ///< zero: where the mirror will go on is not known yet
  /// "0/15000-0/16000", as a record's header tells it.
  [[nodiscard]] std::string text() const { return from.text() + "-" + to.text(); }
  friend bool operator==(const MirrorGap&, const MirrorGap&) = default;
};

struct MirrorProgress {
  Lsn position;                      ///< end_lsn of the last source transaction that the topics hold
  Lsn last_commit;                   ///< final_lsn of the last one that had records; zero: none
  std::string incarnation;           ///< drawn when the mirror was begun; the target knows it as well
  std::string source;                ///< system identifier of the source's cluster
  std::string slot;                  ///< the pipeline's
  std::int64_t timeline = 0;         ///< of the source
  std::uint32_t database = 0;        ///< OID
  std::int64_t slot_transactions{};  ///< what the slot's statistics counted when the mirror began to read it
  std::optional<MirrorGap> gap;      ///< until every table was published again
};

/// How the topic of a table was filled.
struct CopiedTable {
  std::uint32_t oid = 0;  ///< of the table whose rows were sent
  std::string ids;        ///< how publications held it: see ids_of()
  std::string snapshot;   ///< its rows are as of it; empty: the table was not copied
  Lsn horizon;            ///< all transactions that the snapshot saw end before
  std::uint64_t rows = 0;
  bool again = false;    ///< the copy is to be made once more
  std::string gap_told;  ///< text of the gap that a record's header has told
  friend bool operator==(const CopiedTable&, const CopiedTable&) = default;
};

/// A wish that was stored; nullopt: of all tables.
struct RepublishRequest {
  std::optional<QualifiedName> table;
  std::string id;
};

/// All that the topic says of one pipeline.
struct ProgressRecords {
  std::optional<MirrorProgress> position;
  std::map<QualifiedName, CopiedTable> tables;
  std::vector<RepublishRequest> requests;
  std::set<Lsn> skips;
  std::optional<Failure> error;
  std::string opened;            ///< by the producer that began last; empty: none has
  std::set<std::string> keys;    ///< of all of them, as they are in the topic
  std::int64_t next_offset = 0;  ///< of what is written after they were read

  /// The error, unless the position has passed its transaction.
  [[nodiscard]] std::optional<Failure> standing_error() const;
};

[[nodiscard]] std::string progress_key(const std::string& pipeline);
[[nodiscard]] std::string progress_value(const MirrorProgress& progress);
/// nullopt for a text that is no such value.
[[nodiscard]] std::optional<MirrorProgress> parse_progress(std::string_view value);

[[nodiscard]] std::string table_key(const std::string& pipeline, const QualifiedName& table);
[[nodiscard]] std::string table_value(const CopiedTable& table);
[[nodiscard]] std::optional<CopiedTable> parse_table(std::string_view value);

[[nodiscard]] std::string request_key(const std::string& pipeline, const RepublishRequest& request);
[[nodiscard]] std::string skip_key(const std::string& pipeline, Lsn lsn);
[[nodiscard]] std::string opened_key(const std::string& pipeline);
[[nodiscard]] std::string error_key(const std::string& pipeline);

/// Takes one record into what is known; the newest counts.  False for one of another pipeline, or of a later release.
/// Throws Error mirror_progress_lost for a position that cannot be read.
bool take_record(const std::string& pipeline, std::string_view key, std::optional<std::string_view> value,
                 ProgressRecords& records);

/// The newest committed ones.  Throws KafkaError; Error mirror_progress_lost for a position that cannot be read.
[[nodiscard]] ProgressRecords read_progress(const KafkaProperties& properties, const std::string& topic,
                                            const std::string& pipeline, const Patience& patience);

/// 32 hexadecimal digits, never the same twice.
[[nodiscard]] std::string draw_incarnation();

}  // namespace walgate::mirror
