// encodings.cpp - fuzzes the conversion of names between the source's encoding and UTF-8.
//
//   input = encoding:u8, name ;    (* the encoding's number in the table below *)
//
// A name that has a form in UTF-8 is not shortened by it, and comes back from the source as the same name.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "check.hpp"
#include "wire/encoding.hpp"
#include "wire/reader.hpp"

namespace {

/// One of each family.
constexpr auto encodings = std::to_array<std::string_view>({"UTF8", "SQL_ASCII", "LATIN1", "LATIN10", "ISO_8859_8",
                                                            "WIN1252", "WIN1255", "WIN1258", "WIN874", "KOI8U",
                                                            "EUC_JP", "EUC_CN", "EUC_KR", "EUC_TW", "EUC_JIS_2004"});

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using walgate::fuzz::check;
  if (size == 0) return 0;
  const std::string name{reinterpret_cast<const char*>(data + 1), size - 1};
  const walgate::wire::Encoding encoding{encodings.at(data[0] % encodings.size())};
  std::string utf8;
  try {
    utf8 = encoding.to_utf8(name);
  } catch (const walgate::wire::ProtocolError&) {
    return 0;
  }
  try {
    check(encoding.to_utf8(encoding.from_utf8(utf8)) == utf8, "a name comes back as the same name");
  } catch (const walgate::wire::ProtocolError&) {
    check(false, "what came from an encoding has a form in it");
  }
  return 0;
}
