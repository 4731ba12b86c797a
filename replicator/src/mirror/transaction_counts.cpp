#include "mirror/transaction_counts.hpp"

#include <algorithm>

namespace walgate::mirror {

namespace {

constexpr std::size_t most_examples = 10;

}  // namespace

void KafkaTransactions::saw(std::int64_t offset, Lsn lsn) {
  if (offset != last_offset_ + 1 || firsts_.empty()) firsts_.push_back(lsn);
  last_offset_ = offset;
  last_ = lsn;
}

std::uint64_t KafkaTransactions::of(Lsn lsn) const {
  if (lsn > last_) return firsts_.size() + 1;
  return static_cast<std::uint64_t>(std::ranges::upper_bound(firsts_, lsn) - firsts_.begin());
}

// Within a transaction of Kafka records follow each other; its end takes one offset in each partition that it wrote to.
void OffsetGaps::saw(std::int64_t offset, Lsn lsn, std::uint64_t kafka_transaction) {
  const auto missing = offset - last_offset_ - 1;
  const auto is_marker = missing == 1 && last_offset_ >= 0 && kafka_transaction != last_transaction_;
  if (missing > 0 && !is_marker) add(last_lsn_, lsn);
  last_offset_ = offset;
  last_lsn_ = lsn;
  last_transaction_ = kafka_transaction;
}

void OffsetGaps::ended(std::int64_t end) {
  const auto missing = end - last_offset_ - 1;
  if (missing > (last_offset_ >= 0 ? 1 : 0)) add(last_lsn_, Lsn{UINT64_MAX});
}

void OffsetGaps::add(Lsn from, Lsn to) {
  if (!gaps_.empty() && gaps_.back().to >= from) {
    gaps_.back().to = std::max(gaps_.back().to, to);
  } else {
    gaps_.push_back({from, to});
  }
}

bool OffsetGaps::covers(Lsn lsn) const {
  const auto after = std::ranges::upper_bound(gaps_, lsn, {}, &Gap::from);
  return after != gaps_.begin() && std::prev(after)->to >= lsn;
}

void TransactionCounts::expect(const std::string& table, Lsn lsn, std::uint64_t records) {
  if (!first_.is_set()) first_ = lsn;
  last_ = std::max(last_, lsn);
  auto& counts = tables_[table].counts;
  if (!counts.empty() && counts.back().lsn >= lsn) return;
  counts.push_back({lsn, static_cast<std::uint32_t>(std::min<std::uint64_t>(records, UINT32_MAX)), 0});
}

void TransactionCounts::saw(const std::string& name, Lsn lsn) {
  if (!first_.is_set() || lsn < first_ || lsn > last_) return;
  auto& table = tables_[name];
  if (table.last < table.counts.size() && table.counts[table.last].lsn == lsn) {
    ++table.counts[table.last].seen;
    return;
  }
  const auto found = std::ranges::lower_bound(table.counts, lsn, {}, &Count::lsn);
  if (found == table.counts.end() || found->lsn != lsn) {
    ++table.stray_records;
    if (table.strays.size() < most_examples) table.strays.push_back(lsn);
    return;
  }
  ++found->seen;
  table.last = static_cast<std::size_t>(found - table.counts.begin());
}

TransactionCounts::Result TransactionCounts::result(const std::string& name,
                                                    const std::vector<OffsetGaps>& gaps) const {
  Result result;
  const auto found = tables_.find(name);
  if (found == tables_.end()) return result;
  const auto& table = found->second;
  result.strays = table.stray_records;
  result.examples = table.strays;
  for (const auto& count : table.counts) {
    if (count.seen == count.expected) {
      ++result.complete;
      continue;
    }
    const auto is_cut = count.seen < count.expected &&
                        std::ranges::any_of(gaps, [&](const OffsetGaps& one) { return one.covers(count.lsn); });
    if (is_cut) {
      ++result.cut;
      continue;
    }
    ++(count.seen < count.expected ? result.incomplete : result.exceeded);
    if (result.examples.size() < most_examples) result.examples.push_back(count.lsn);
  }
  return result;
}

}  // namespace walgate::mirror
