#include "wire/encoding.hpp"

#include <fmt/format.h>
#include <iconv.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "wire/reader.hpp"

namespace walgate::wire {

namespace {

/// PostgreSQL's names of server encodings, and iconv's.
constexpr auto names = std::to_array<std::pair<std::string_view, const char*>>({
    {"UTF8", ""},
    {"SQL_ASCII", ""},
    {"LATIN1", "ISO-8859-1"},
    {"LATIN2", "ISO-8859-2"},
    {"LATIN3", "ISO-8859-3"},
    {"LATIN4", "ISO-8859-4"},
    {"LATIN5", "ISO-8859-9"},
    {"LATIN6", "ISO-8859-10"},
    {"LATIN7", "ISO-8859-13"},
    {"LATIN8", "ISO-8859-14"},
    {"LATIN9", "ISO-8859-15"},
    {"LATIN10", "ISO-8859-16"},
    {"ISO_8859_5", "ISO-8859-5"},
    {"ISO_8859_6", "ISO-8859-6"},
    {"ISO_8859_7", "ISO-8859-7"},
    {"ISO_8859_8", "ISO-8859-8"},
    {"WIN1250", "CP1250"},
    {"WIN1251", "CP1251"},
    {"WIN1252", "CP1252"},
    {"WIN1253", "CP1253"},
    {"WIN1254", "CP1254"},
    {"WIN1255", "CP1255"},
    {"WIN1256", "CP1256"},
    {"WIN1257", "CP1257"},
    {"WIN1258", "CP1258"},
    {"WIN866", "CP866"},
    {"WIN874", "CP874"},
    {"KOI8R", "KOI8-R"},
    {"KOI8U", "KOI8-U"},
    {"EUC_JP", "EUC-JP"},
    {"EUC_CN", "EUC-CN"},
    {"EUC_KR", "EUC-KR"},
    {"EUC_TW", "EUC-TW"},
    {"EUC_JIS_2004", "EUC-JISX0213"},
});

struct Closer {
  void operator()(void* handle) const noexcept { iconv_close(static_cast<iconv_t>(handle)); }
};

std::string convert(std::string_view text, const char* to, const char* from) {
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return std::string{text};
  auto* opened = iconv_open(to, from);
  if (opened == reinterpret_cast<iconv_t>(-1)) {
    throw ProtocolError{fmt::format("this machine cannot convert between {} and {}", from, to)};
  }
  const std::unique_ptr<void, Closer> handle{opened};
  std::string input{text};
  std::string output(text.size() * 4 + 16, '\0');
  auto* in = input.data();
  auto* out = output.data();
  auto in_left = input.size();
  auto out_left = output.size();
  // The second call brings what is held back for a mark that could follow.
  if (iconv(opened, &in, &in_left, &out, &out_left) == static_cast<std::size_t>(-1) ||
      iconv(opened, nullptr, nullptr, &out, &out_left) == static_cast<std::size_t>(-1)) {
    throw ProtocolError{fmt::format("a name cannot be converted from {} to {}", from, to)};
  }
  output.resize(output.size() - out_left);
  return output;
}

}  // namespace

Encoding::Encoding(std::string_view postgres_name) {
  const auto found = std::ranges::find(names, postgres_name, [](const auto& entry) { return entry.first; });
  if (found == names.end())
    throw ProtocolError{fmt::format("source has the encoding {}, which is not known", postgres_name)};
  name_ = found->second;
}

std::string Encoding::to_utf8(std::string_view text) const {
  return name_.empty() ? std::string{text} : convert(text, "UTF-8", name_.c_str());
}

std::string Encoding::from_utf8(std::string_view text) const {
  return name_.empty() ? std::string{text} : convert(text, name_.c_str(), "UTF-8");
}

}  // namespace walgate::wire
