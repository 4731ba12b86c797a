// gone_keys.hpp - the keys of a topic that a new copy of its table does not hold, found in bounded memory.
//
// The topic is read from its beginning to its end.  What was there before the copy began is a candidate, what the copy
// has sent since takes the candidate away; what is left is gone from the table.  Where the candidates are too many to
// be held at once, only those whose hash is in the lower part of a range are, and the topic is read once more for the
// rest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

namespace walgate::mirror {

class GoneKeys {
 public:
  explicit GoneKeys(std::size_t limit_bytes) : limit_bytes_{limit_bytes} {}

  /// A record from before the copy; `is_there`: it says that the row is there.
  void take_before(std::string_view key, bool is_there);
  /// A record of the copy.
  void take_copied(std::string_view key);

  /// After a reading: the keys that were found.
  [[nodiscard]] const std::unordered_set<std::string>& found() const noexcept { return keys_; }
  /// Has the topic to be read once more?  Forgets what was found.
  [[nodiscard]] bool next_pass();

 private:
  [[nodiscard]] static std::uint64_t hash_of(std::string_view key) noexcept;
  [[nodiscard]] bool is_in_range(std::string_view key) const noexcept;
  void narrow();

  const std::size_t limit_bytes_;
  std::uint64_t first_ = 0;
  std::uint64_t last_ = UINT64_MAX;  ///< of hashes, the range that this reading is about
  std::size_t bytes_ = 0;
  std::unordered_set<std::string> keys_;
};

}  // namespace walgate::mirror
