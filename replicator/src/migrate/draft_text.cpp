#include "migrate/draft_text.hpp"

#include <algorithm>

#include "migrate/directives.hpp"

namespace walgate::migrate {

namespace {

constexpr std::size_t widest = 110;

/// One line, whatever the names in it.
std::string in_one_line(std::string_view text) {
  std::string line{text};
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return line;
}

}  // namespace

void DraftText::comment(std::string line) {
  line = "-- " + line;
  // Such as "stays null: after_copy", or a line that begins with a table of our name.
  if (looks_like_directive(line)) {
    std::ranges::replace(line, ':', ';');
    line = "-- | " + line.substr(3) + " (as named)";
  }
  text_ += line + '\n';
}

void DraftText::block(std::string_view title) {
  if (!text_.empty()) text_ += '\n';
  note(title);
}

void DraftText::note(std::string_view text) {
  auto rest = in_one_line(text);
  while (rest.size() > widest) {
    auto end = rest.rfind(' ', widest);
    // A line does not begin with our name.
    while (end != std::string::npos && end > 0 && looks_like_directive("-- " + rest.substr(end + 1))) {
      end = rest.rfind(' ', end - 1);
    }
    if (end == std::string::npos || end == 0) end = rest.find(' ', widest);
    if (end == std::string::npos) break;
    comment(rest.substr(0, end));
    rest.erase(0, end + 1);
  }
  if (!rest.empty()) comment(std::move(rest));
}

void DraftText::run(std::string_view sql) {
  text_ += std::string{sql} + ";\n";
  ++statements_;
}

void DraftText::ask(std::string_view sql) {
  comment(in_one_line(sql) + ';');
}

}  // namespace walgate::migrate
