#include "mirror/encodings.hpp"

#include <cstdint>

namespace walgate::mirror {

namespace {

void append(JsonBuffer& out, std::string_view bytes, const char* digits) {
  const auto size = (bytes.size() + 2) / 3 * 4;
  auto* to = out.room(size);
  out.took(size);
  const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
  auto left = bytes.size();
  for (; left >= 3; left -= 3, from += 3) {
    const auto word = std::uint32_t{from[0]} << 16u | std::uint32_t{from[1]} << 8u | from[2];
    *to++ = digits[word >> 18u];
    *to++ = digits[word >> 12u & 63u];
    *to++ = digits[word >> 6u & 63u];
    *to++ = digits[word & 63u];
  }
  if (left == 0) return;
  const auto word = std::uint32_t{from[0]} << 16u | (left == 2 ? std::uint32_t{from[1]} << 8u : 0u);
  *to++ = digits[word >> 18u];
  *to++ = digits[word >> 12u & 63u];
  *to++ = left == 2 ? digits[word >> 6u & 63u] : '=';
  *to++ = '=';
}

}  // namespace

void append_base64(JsonBuffer& out, std::string_view bytes) {
  append(out, bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

void append_base64_url_safe(JsonBuffer& out, std::string_view bytes) {
  append(out, bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

void append_hex(JsonBuffer& out, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  auto* to = out.room(bytes.size() * 2);
  out.took(bytes.size() * 2);
  for (const auto c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *to++ = digits[byte >> 4u];
    *to++ = digits[byte & 0xFu];
  }
}

}  // namespace walgate::mirror
