// draft_text.hpp - puts the text of a migration file together: statements that run, and comments that do not.
//
// Names of users stand in comments, too.  Whatever they hold, a comment stays a comment, and is none of walgate's
// directives.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace walgate::migrate {

class DraftText {
 public:
  /// Begins a block with a comment above it.
  void block(std::string_view title);
  /// A comment of one paragraph, in lines of its own.
  void note(std::string_view text);
  /// A statement that runs, without its semicolon.
  void run(std::string_view sql);
  /// A statement that a person may want, as a comment.
  void ask(std::string_view sql);

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] std::size_t statements() const noexcept { return statements_; }

 private:
  void comment(std::string line);

  std::string text_;
  std::size_t statements_ = 0;
};

}  // namespace walgate::migrate
