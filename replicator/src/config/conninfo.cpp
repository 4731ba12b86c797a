// conninfo.cpp - PQconninfoParse tells whether a string is well formed and which of its options are secrets:
// those whose dispchar is "*".

#include "config/conninfo.hpp"

#include <libpq-fe.h>

#include <memory>
#include <string_view>

namespace walgate {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};
struct FreeText {
  void operator()(char* text) const noexcept { PQfreemem(text); }
};
using Options = std::unique_ptr<PQconninfoOption[], FreeOptions>;

// A password with a blank in it ends up in libpq's message as the name of an option: keep only what cannot be one.
std::string without_quoted_texts(std::string_view message) {
  std::string out;
  bool inside = false;
  std::size_t opened = 0;
  for (std::size_t i = 0; i < message.size(); ++i) {
    if (message[i] != '"') {
      if (!inside) out += message[i];
      continue;
    }
    inside = !inside;
    if (inside) {
      opened = i + 1;
    } else {
      out += message.substr(opened, i - opened) == "=" ? "\"=\"" : "\"...\"";
    }
  }
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

std::string quoted_value(std::string_view value) {
  const bool plain = !value.empty() && value.find_first_of(" \t\n\r\f\v'\\") == std::string_view::npos;
  if (plain) return std::string{value};
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

}  // namespace

std::optional<std::string> mistake_in_conninfo(const std::string& conninfo) {
  char* raw_message = nullptr;
  const Options options{PQconninfoParse(conninfo.c_str(), &raw_message)};
  const std::unique_ptr<char, FreeText> message{raw_message};
  if (options) return std::nullopt;
  if (!message) return "out of memory";
  return without_quoted_texts(message.get());
}

std::string masked_conninfo(const std::string& conninfo) {
  const Options options{PQconninfoParse(conninfo.c_str(), nullptr)};
  std::string out;
  for (const PQconninfoOption* option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    if (!out.empty()) out += ' ';
    const bool secret = option->dispchar != nullptr && option->dispchar[0] == '*';
    out += option->keyword;
    out += '=';
    out += secret ? "********" : quoted_value(option->val);
  }
  return out;
}

}  // namespace walgate
