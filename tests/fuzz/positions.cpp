// positions.cpp - fuzzes the text form of positions, which configuration, status and servers write.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "check.hpp"
#include "wire/lsn.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using walgate::fuzz::check;
  const auto lsn = walgate::Lsn::parse({reinterpret_cast<const char*>(data), size});
  if (lsn) check(walgate::Lsn::parse(lsn->text()) == lsn, "a position reads as what it writes");
  return 0;
}
