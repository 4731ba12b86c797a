// net_effect.hpp - what the changes of one relation version come to, per key.
//
// Insert and update become one insert, two updates one, insert and delete nothing, update and delete a delete, delete
// and insert both.  Keys are compared by their bytes: the caller says whether that is equality on the target, too.
// Without key columns only inserts can be summed up, in their order.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

#include "wire/decoder.hpp"

namespace walgate {

/// Where the columns of the key stand.
struct KeyColumns {
  std::vector<std::uint16_t> in_row;      ///< indexes in a row image
  std::vector<std::uint16_t> in_old_key;  ///< indexes in an old key image, which has the identity's columns alone
};

/// What has become of one key.  Views point into the frames that were added, or into memory of the NetEffect.
struct NetRow {
  enum class Write : std::uint8_t { nothing, insert, update };
  std::string_view key;    ///< length and bytes of each key column; empty while nobody asked for it
  std::string_view tuple;  ///< the new image, when something is written
  bool deletes = false;    ///< the row that was there before goes first
  Write write = Write::nothing;

  /// It came and went: the target must not hold the key.
  [[nodiscard]] bool was_passing() const noexcept { return !key.empty() && !deletes && write == Write::nothing; }
};

class NetEffect {
 public:
  enum class Added : std::uint8_t {
    taken,
    not_taken,  ///< the key changes or is not known, or there is no more room: to be done in order, after what was
                ///< taken before
  };

  explicit NetEffect(KeyColumns key) : key_{std::move(key)} {}

  /// An insert, update or delete.
  [[nodiscard]] Added add(const wire::Change& change);
  /// In the order in which the keys came.
  [[nodiscard]] const std::vector<NetRow>& rows() const noexcept { return rows_; }
  [[nodiscard]] bool only_inserts() const noexcept { return slots_.empty(); }
  /// Forgets everything; the memory stays.
  void clear() noexcept;

 private:
  static constexpr std::uint32_t no_row = UINT32_MAX;
  /// What rows may take that are put together from several images.
  static constexpr std::size_t most_merged_bytes = 8 * 1024 * 1024;
  /// Memory for this many rows is kept from one use to the next; a service may have many tables.
  static constexpr std::size_t most_rows_kept = 4096;

  /// Length and bytes of each key column; empty when a part of the key is not known.
  std::string_view key_in_row(const std::vector<wire::Value>& values);
  std::string_view old_key(const wire::Change& change);
  std::string_view joined(const std::vector<wire::Value>& values, const std::vector<std::uint16_t>& columns);
  /// Looks all rows up by key from here on.  False when two rows have one key.
  bool build_index();
  /// The slot of the key: of its row, or the free one where it belongs.
  std::uint32_t& slot_of(std::string_view key);
  void grow();
  NetRow& row_of(std::string_view key);
  /// `after` with its unchanged values taken from `before`.
  std::string_view merged(std::string_view before, std::string_view after);

  KeyColumns key_;
  std::vector<NetRow> rows_;
  std::vector<std::uint32_t> slots_;  ///< open addressing over rows_; empty until somebody looks for a key
  std::pmr::monotonic_buffer_resource memory_;
  std::size_t merged_bytes_ = 0;
  std::vector<wire::Value> values_;
  std::vector<wire::Value> older_;
};

}  // namespace walgate
