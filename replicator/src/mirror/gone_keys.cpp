#include "mirror/gone_keys.hpp"

namespace walgate::mirror {

namespace {

/// What a set needs beside the key's own bytes.
constexpr std::size_t cost_of_entry = 64;

}  // namespace

/// FNV-1a with a last round that mixes the bits.
std::uint64_t GoneKeys::hash_of(std::string_view key) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char sign : key) hash = (hash ^ static_cast<unsigned char>(sign)) * 0x100000001b3;
  hash ^= hash >> 33U;
  hash *= 0xff51afd7ed558ccd;
  return hash ^ (hash >> 33U);
}

bool GoneKeys::is_in_range(std::string_view key) const noexcept {
  const auto hash = hash_of(key);
  return hash >= first_ && hash <= last_;
}

void GoneKeys::take_before(std::string_view key, bool is_there) {
  if (!is_in_range(key)) return;
  if (!is_there) return take_copied(key);
  if (!keys_.emplace(key).second) return;
  bytes_ += key.size() + cost_of_entry;
  while (bytes_ > limit_bytes_ && first_ < last_ && keys_.size() > 1) narrow();
}

void GoneKeys::take_copied(std::string_view key) {
  if (keys_.erase(std::string{key}) > 0) bytes_ -= key.size() + cost_of_entry;
}

void GoneKeys::narrow() {
  last_ = first_ + (last_ - first_) / 2;
  std::erase_if(keys_, [this](const std::string& key) {
    if (is_in_range(key)) return false;
    bytes_ -= key.size() + cost_of_entry;
    return true;
  });
}

bool GoneKeys::next_pass() {
  keys_.clear();
  bytes_ = 0;
  if (last_ == UINT64_MAX) return false;
  first_ = last_ + 1;
  last_ = UINT64_MAX;
  return true;
}

}  // namespace walgate::mirror
