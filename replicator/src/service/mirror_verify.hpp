// mirror_verify.hpp - do the topics hold what the source's tables hold, once, in order and whole?
//
// Topics are read as committed from their beginning to their end.  Then a snapshot of the source is taken, the mirror
// is waited for until it has passed all that the snapshot sees, what came meanwhile is read, and the rows are held
// against each key's last record.  What was changed after the snapshot differs rightly, so keys that differ are looked
// at again under a new snapshot, until none is left or each one differs a second time and nothing has been sent for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "mirror/table_view.hpp"
#include "mirror/transaction_counts.hpp"

namespace walgate::service {

struct TableVerdict {
  std::string table;  ///< for people
  std::string topic;
  std::string not_compared;            ///< why rows were not held against records; empty: they were
  std::uint64_t records = 0;           ///< tombstones included
  std::uint64_t keys = 0;              ///< that the topic comes to
  std::uint64_t rows = 0;              ///< of the table
  std::uint64_t missing = 0;           ///< rows that the topic lacks
  std::uint64_t unexpected = 0;        ///< keys that the table lacks
  std::uint64_t different = 0;         ///< rows that differ
  std::uint64_t undecided = 0;         ///< changed each time they were looked at
  std::uint64_t not_sent = 0;          ///< rows without a record, where none needs to be: older than the mirror, or cut
  std::uint64_t older = 0;             ///< rows whose record was made of other columns; the common ones were compared
  std::uint64_t out_of_order = 0;      ///< records behind a later one of their key, or twice
  std::uint64_t misplaced = 0;         ///< records in another partition than their key's
  std::vector<std::string> columns{};  ///< that differ
  std::vector<mirror::Difference> examples{};
  std::vector<mirror::OutOfOrder> order_examples{};
  mirror::TransactionCounts::Result transactions{};

  [[nodiscard]] bool is_right() const noexcept {
    return missing + unexpected + different + out_of_order + misplaced + transactions.incomplete +
               transactions.exceeded + transactions.strays ==
           0;
  }
};

struct TopicVerdict {
  std::string topic;
  std::uint64_t foreign = 0;  ///< records that are not the mirror's
};

struct MirrorVerdict {
  Lsn position;                   ///< of the source, up to which the last table was compared
  bool with_transactions = true;  ///< END records were held against records
  std::vector<TableVerdict> tables;
  std::vector<TopicVerdict> topics;

  [[nodiscard]] bool is_right() const noexcept;
};

/// `patience`: how long to wait for the mirror each time.  Throws Error: mirror_not_caught_up, kafka_unavailable …
[[nodiscard]] MirrorVerdict verify_mirror(const Config& config, std::chrono::milliseconds patience);

}  // namespace walgate::service
