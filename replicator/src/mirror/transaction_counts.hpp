// transaction_counts.hpp - were all records of each transaction seen that its END record counts?
//
// A topic that is cut by retention, or thinned out by compaction, lacks records for good reasons.  Both leave gaps in
// its offsets; where a transaction lies in or beside such a gap, nothing is concluded from what is missing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "wire/lsn.hpp"

namespace walgate::mirror {

/// Which transactions of the source went into one of Kafka's.  The topic of transactions tells: where one of Kafka's
/// ends, its marker takes an offset, and that topic is never compacted.
class KafkaTransactions {
 public:
  /// A record of that topic; in the order of offsets.
  void saw(std::int64_t offset, Lsn lsn);
  /// A number that differs between transactions of Kafka.
  [[nodiscard]] std::uint64_t of(Lsn lsn) const;

 private:
  std::int64_t last_offset_ = -1;
  Lsn last_;
  std::vector<Lsn> firsts_;  ///< of each, the first transaction of the source
};

/// Stretches of a partition in which offsets are missing, from one transaction's final_lsn to another's.
class OffsetGaps {
 public:
  /// In the order of offsets.  `kafka_transaction`: as KafkaTransactions numbers them.
  void saw(std::int64_t offset, Lsn lsn, std::uint64_t kafka_transaction);
  /// The partition ends before this offset, and whether it ever held a record is not known where it has none.
  void ended(std::int64_t end);
  [[nodiscard]] bool covers(Lsn lsn) const;

 private:
  struct Gap {
    Lsn from;
    Lsn to;
  };
  void add(Lsn from, Lsn to);

  std::int64_t last_offset_ = -1;
  Lsn last_lsn_;
  std::uint64_t last_transaction_ = 0;
  std::vector<Gap> gaps_;
};

class TransactionCounts {
 public:
  /// What an END record says of one table, schema.name; in the order of the stream, others are not counted.
  void expect(const std::string& table, Lsn lsn, std::uint64_t records);
  /// A record of the table that is no tombstone.
  void saw(const std::string& table, Lsn lsn);

  struct Result {
    std::uint64_t complete = 0;
    std::uint64_t cut = 0;         ///< fewer, where offsets are missing
    std::uint64_t incomplete = 0;  ///< fewer, for no reason
    std::uint64_t exceeded = 0;    ///< more
    std::uint64_t strays = 0;      ///< records of no transaction that ended, between the first and the last that did
    std::vector<Lsn> examples{};   ///< of transactions that are not as they should be; a few
  };
  /// Of one table, whose partitions have these gaps.
  [[nodiscard]] Result result(const std::string& table, const std::vector<OffsetGaps>& gaps) const;

 private:
  struct Count {
    Lsn lsn;
    std::uint32_t expected;
    std::uint32_t seen;
  };
  struct Table {
    std::vector<Count> counts;  ///< by lsn
    std::size_t last = 0;       ///< where the last record was counted
    std::vector<Lsn> strays;
    std::uint64_t stray_records = 0;
  };
  std::map<std::string, Table, std::less<>> tables_;
  Lsn first_;
  Lsn last_;
};

}  // namespace walgate::mirror
