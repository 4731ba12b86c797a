#include "batch/seam.hpp"

#include <algorithm>
#include <charconv>

namespace walgate {

namespace {

/// Takes a number and the sign behind it, if there is one, off the front.
std::optional<std::uint64_t> take_number(std::string_view& text, char sign) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty()) {
    if (text.front() != sign) return std::nullopt;
    text.remove_prefix(1);
  }
  return number;
}

}  // namespace

std::optional<Snapshot> Snapshot::parse(std::string_view text) {
  if (std::ranges::count(text, ':') != 2) return std::nullopt;
  Snapshot snapshot;
  const auto xmin = take_number(text, ':');
  const auto xmax = take_number(text, ':');
  if (!xmin || !xmax) return std::nullopt;
  snapshot.xmin_ = *xmin;
  snapshot.xmax_ = *xmax;
  while (!text.empty()) {
    const auto xid = take_number(text, ',');
    if (!xid) return std::nullopt;
    snapshot.running_.push_back(*xid);
  }
  std::ranges::sort(snapshot.running_);
  return snapshot;
}

bool Snapshot::sees(std::uint32_t xid) const noexcept {
  // The number is the low half of the one that is nearest to the snapshot.
  const auto distance = static_cast<std::int32_t>(xid - static_cast<std::uint32_t>(xmax_));
  const auto whole = static_cast<std::uint64_t>(static_cast<std::int64_t>(xmax_) + distance);
  return distance < 0 && !std::ranges::binary_search(running_, whole);
}

void Seam::add(QualifiedName table, Snapshot snapshot, Lsn horizon) {
  last_horizon_ = std::max(last_horizon_, horizon);
  known_.insert(table);
  copies_.insert_or_assign(std::move(table), Copy{std::move(snapshot), horizon});
}

bool Seam::is_in_copy(const wire::Relation& relation, const wire::Begin& transaction) const {
  if (by_serial_.size() <= relation.serial) by_serial_.resize(relation.serial + 1);
  auto& known = by_serial_[relation.serial];
  if (!known) {
    const auto found = copies_.find({relation.schema, relation.name});
    known = found == copies_.end() ? nullptr : &found->second;
  }
  const auto* copy = *known;
  return copy != nullptr && transaction.end_lsn <= copy->horizon && copy->snapshot.sees(transaction.xid);
}

}  // namespace walgate
