#include "mirror/numeric_value.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <vector>

#include "mirror/conversion_error.hpp"
#include "mirror/encodings.hpp"
#include "wire/reader.hpp"

namespace walgate::mirror {

namespace {

constexpr int decimals_per_digit = 4;

constexpr std::uint16_t sign_negative = 0x4000;
constexpr std::uint16_t sign_nan = 0xC000;
constexpr std::uint16_t sign_positive_infinity = 0xD000;
constexpr std::uint16_t sign_negative_infinity = 0xF000;

int power_of_ten(int exponent) {
  constexpr std::array<int, 5> powers{1, 10, 100, 1000, 10000};
  return powers[static_cast<std::size_t>(exponent)];
}

/// Appends the base64 of a big-endian magnitude with its sign, in as few bytes of two's complement as hold it.
void append_two_complement(JsonBuffer& out, std::string& bytes, bool negative) {
  const auto first = bytes.find_first_not_of('\0');
  bytes.erase(0, first == std::string::npos ? bytes.size() : first);
  if (bytes.empty()) negative = false;
  bytes.insert(bytes.begin(), '\0');  // room for the sign
  if (negative) {
    unsigned carry = 1;
    for (auto at = bytes.rbegin(); at != bytes.rend(); ++at) {
      const auto sum = (static_cast<unsigned char>(*at) ^ 0xFFu) + carry;
      *at = static_cast<char>(sum & 0xFFu);
      carry = sum >> 8u;
    }
  }
  const auto sign = negative ? '\xFF' : '\0';
  std::size_t skip = 0;
  while (skip + 1 < bytes.size() && bytes[skip] == sign &&
         ((static_cast<unsigned char>(bytes[skip + 1]) & 0x80u) != 0) == negative)
    ++skip;
  append_base64(out, std::string_view{bytes}.substr(skip));
}

/// A magnitude that grows: limbs of 32 bits, the lowest first.
class Magnitude {
 public:
  void multiply_and_add(std::uint32_t factor, std::uint32_t addend) {
    std::uint64_t carry = addend;
    for (auto& limb : limbs_) {
      const auto product = std::uint64_t{limb} * factor + carry;
      limb = static_cast<std::uint32_t>(product);
      carry = product >> 32u;
    }
    if (carry != 0) limbs_.push_back(static_cast<std::uint32_t>(carry));
  }
  [[nodiscard]] std::string big_endian() const {
    std::string bytes;
    bytes.reserve(limbs_.size() * 4 + 1);
    for (auto limb = limbs_.rbegin(); limb != limbs_.rend(); ++limb) {
      for (unsigned shift = 32; shift > 0; shift -= 8) bytes += static_cast<char>(*limb >> (shift - 8) & 0xFFu);
    }
    return bytes;
  }

 private:
  std::vector<std::uint32_t> limbs_;
};

}  // namespace

NumericValue::NumericValue(std::string_view bytes) {
  wire::Reader reader{bytes};
  count_ = reader.i16();
  weight_ = reader.i16();
  const auto sign = reader.u16();
  display_scale_ = reader.u16();
  if (count_ < 0) throw wire::ProtocolError{"numeric has a negative number of digits"};
  digits_ = reader.bytes(static_cast<std::size_t>(count_) * 2);
  reader.expect_end();
  for (int i = 0; i < count_; ++i) {
    if (digit(i) < 0 || digit(i) > 9999) throw wire::ProtocolError{"numeric has a digit outside of its base"};
  }
  switch (sign) {
    case 0:
      break;
    case sign_negative:
      negative_ = true;
      break;
    case sign_nan:
      kind_ = Kind::not_a_number;
      break;
    case sign_positive_infinity:
      kind_ = Kind::positive_infinity;
      break;
    case sign_negative_infinity:
      kind_ = Kind::negative_infinity;
      break;
    default:
      throw wire::ProtocolError{"numeric has an unknown sign"};
  }
}

int NumericValue::digit(int index) const noexcept {
  return wire::load_big_endian<std::int16_t>(digits_.data() + static_cast<std::size_t>(index) * 2);
}

int NumericValue::least_scale() const noexcept {
  for (int last = count_ - 1; last >= 0; --last) {
    auto value = digit(last);
    if (value == 0) continue;
    auto scale = (last - weight_) * decimals_per_digit;
    while (value % 10 == 0) {
      value /= 10;
      --scale;
    }
    return scale > 0 ? scale : 0;
  }
  return 0;
}

void NumericValue::append_plain(JsonBuffer& out) const {
  const auto before_point = weight_ >= 0 ? (weight_ + 1) * decimals_per_digit : 1;
  auto* const start = out.room(static_cast<std::size_t>(before_point + display_scale_ + 2 + decimals_per_digit));
  auto* to = start;
  if (negative_) *to++ = '-';
  const auto four = [&to](int value) {
    for (int power = 3; power >= 0; --power) *to++ = static_cast<char>('0' + value / power_of_ten(power) % 10);
  };
  const auto digit_or_zero = [this](int index) { return index >= 0 && index < count_ ? digit(index) : 0; };
  if (weight_ < 0 || count_ == 0) {
    *to++ = '0';
  } else {
    char first[12];
    const auto end = std::to_chars(first, first + sizeof first, digit_or_zero(0)).ptr;
    std::memcpy(to, first, static_cast<std::size_t>(end - first));
    to += end - first;
    for (int i = 1; i <= weight_; ++i) four(digit_or_zero(i));
  }
  if (display_scale_ > 0) {
    *to++ = '.';
    auto* const decimals = to;
    // The last four may reach beyond the scale; what is beyond is cut off.
    for (int i = weight_ + 1; to - decimals < display_scale_; ++i) {
      char saved[decimals_per_digit];
      auto* const at = to;
      const auto value = digit_or_zero(i);
      for (int power = 3; power >= 0; --power)
        saved[3 - power] = static_cast<char>('0' + value / power_of_ten(power) % 10);
      for (int k = 0; k < decimals_per_digit && to - decimals < display_scale_; ++k) *to++ = saved[k];
      if (to == at) break;
    }
  }
  out.took(static_cast<std::size_t>(to - start));
}

void NumericValue::append_unscaled(JsonBuffer& out, int scale) const {
  // number * 10^scale = all digits as one integer * 10^shift.
  const auto shift = count_ == 0 ? 0 : scale - (count_ - 1 - weight_) * decimals_per_digit;
  auto last = count_ == 0 ? 0 : digit(count_ - 1);
  auto last_factor = power_of_ten(decimals_per_digit);
  auto zeros = shift;
  auto used = count_;
  // A negative shift has to take away zeros.
  while (zeros < 0) {
    if (used == 0) {
      zeros = 0;
      break;
    }
    if (zeros <= -decimals_per_digit) {
      if (last != 0) throw ConversionError{"the number has more decimals than its type says"};
      zeros += decimals_per_digit;
      --used;
      last = used > 0 ? digit(used - 1) : 0;
      continue;
    }
    const auto divisor = power_of_ten(-zeros);
    if (last % divisor != 0) throw ConversionError{"the number has more decimals than its type says"};
    last /= divisor;
    last_factor /= divisor;
    zeros = 0;
  }
  if (used == 0) return mirror::append_unscaled(out, 0);

  if (used * decimals_per_digit + zeros <= 18) {
    std::int64_t value = 0;
    for (int i = 0; i + 1 < used; ++i) value = value * 10000 + digit(i);
    value = value * last_factor + last;
    for (int i = 0; i < zeros; ++i) value *= 10;
    return mirror::append_unscaled(out, negative_ ? -value : value);
  }
  Magnitude magnitude;
  for (int i = 0; i + 1 < used; ++i) magnitude.multiply_and_add(10000, static_cast<std::uint32_t>(digit(i)));
  magnitude.multiply_and_add(static_cast<std::uint32_t>(last_factor), static_cast<std::uint32_t>(last));
  for (; zeros >= 9; zeros -= 9) magnitude.multiply_and_add(1'000'000'000, 0);
  for (; zeros > 0; --zeros) magnitude.multiply_and_add(10, 0);
  auto bytes = magnitude.big_endian();
  append_two_complement(out, bytes, negative_);
}

double NumericValue::as_double() const {
  JsonBuffer text;
  append_plain(text);
  const auto view = text.view();
  double value = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error == std::errc::result_out_of_range) {
    const auto limit = weight_ >= 0 ? std::numeric_limits<double>::infinity() : 0.0;
    return negative_ ? -limit : limit;
  }
  return value;
}

void append_unscaled(JsonBuffer& out, std::int64_t value) {
  char bytes[8];
  wire::store_big_endian(bytes, value);
  std::size_t skip = 0;
  const auto sign = value < 0 ? '\xFF' : '\0';
  while (skip < 7 && bytes[skip] == sign && ((static_cast<unsigned char>(bytes[skip + 1]) & 0x80u) != 0) == (value < 0))
    ++skip;
  append_base64(out, {bytes + skip, 8 - skip});
}

}  // namespace walgate::mirror
