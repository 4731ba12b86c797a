#include "migrate/sql_script.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace walgate::migrate {

namespace {

/// Enough to tell what kind of a statement it is and what the first name in it is.
constexpr std::size_t most_head_tokens = 16;

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
/// A letter, and every byte of a character beyond ASCII.
constexpr bool starts_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool is_in_tag(char c) noexcept {
  return starts_word(c) || is_digit(c);
}
constexpr bool is_in_word(char c) noexcept {
  return is_in_tag(c) || c == '$';
}
constexpr bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
constexpr bool ends_line(char c) noexcept {
  return c == '\n' || c == '\r';
}

std::string small_letters(std::string_view word) {
  std::string text{word};
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_{text} {}

  Script scan() {
    while (at_ < text_.size() && script_.mistakes.empty()) step();
    if (!open_parentheses_.empty() && script_.mistakes.empty())
      mistake(open_parentheses_.back(), "this parenthesis is not closed");
    if (block_depth_ > 0 && script_.mistakes.empty()) mistake(block_, "this BEGIN ATOMIC has no END");
    if (script_.mistakes.empty()) end_statement();
    return std::move(script_);
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void mistake(std::size_t at, std::string what) { script_.mistakes.push_back({at, std::move(what)}); }

  void step() {
    const char c = peek();
    if (is_space(c)) {
      ++at_;
    } else if (c == '-' && peek(1) == '-') {
      line_comment();
    } else if (c == '/' && peek(1) == '*') {
      block_comment();
    } else if (c == '\'') {
      string(at_, false);
    } else if (c == '"') {
      quoted_name();
    } else if (c == '$') {
      dollar();
    } else if (starts_word(c)) {
      word();
    } else if (is_digit(c)) {
      number();
    } else {
      sign(c);
    }
  }

  /// The token from `begin` to here belongs to the statement.
  void token(std::size_t begin, bool is_word = false) {
    if (!statement_) statement_ = Statement{.span = {begin, begin}, .head = {}};
    statement_->span.end = at_;
    if (statement_->head.size() >= most_head_tokens) return;
    const auto text = text_.substr(begin, at_ - begin);
    statement_->head.push_back(is_word ? small_letters(text) : std::string{text});
  }

  void end_statement() {
    if (statement_) script_.statements.push_back(std::move(*statement_));
    statement_.reset();
    open_parentheses_.clear();
    block_depth_ = 0;
  }

  void line_comment() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && !ends_line(text_[at_])) ++at_;
    script_.comments.push_back({begin, at_});
  }

  void block_comment() {
    const std::size_t begin = at_;
    std::size_t depth = 0;
    do {
      if (at_ >= text_.size()) return mistake(begin, "this comment is not closed");
      if (peek() == '/' && peek(1) == '*') {
        ++depth;
        at_ += 2;
      } else if (peek() == '*' && peek(1) == '/') {
        --depth;
        at_ += 2;
      } else {
        ++at_;
      }
    } while (depth > 0);
    script_.comments.push_back({begin, at_});
  }

  /// At the opening quote of a string whose token began at `begin`.
  void string(std::size_t begin, bool has_escapes) {
    const std::size_t quote = at_;
    do {
      ++at_;
      while (at_ < text_.size() && text_[at_] != '\'') at_ += has_escapes && text_[at_] == '\\' ? 2U : 1U;
      if (at_ >= text_.size()) {
        at_ = text_.size();
        return mistake(quote, "this string is not closed");
      }
      ++at_;
    } while (peek() == '\'' || goes_on_in_another_line());
    token(begin);
  }

  /// Two strings with a line break between them are one, with the rules of the first.  Moves to the quote of the
  /// second.
  bool goes_on_in_another_line() {
    std::size_t ahead = at_;
    bool broken = false;
    while (ahead < text_.size()) {
      if (is_space(text_[ahead])) {
        broken = broken || ends_line(text_[ahead]);
        ++ahead;
      } else if (text_.substr(ahead, 2) == "--") {
        while (ahead < text_.size() && !ends_line(text_[ahead])) ++ahead;
      } else {
        break;
      }
    }
    if (!broken || ahead >= text_.size() || text_[ahead] != '\'') return false;
    at_ = ahead;
    return true;
  }

  void quoted_name() {
    const std::size_t begin = at_;
    do {
      const auto end = text_.find('"', at_ + 1);
      if (end == std::string_view::npos) {
        at_ = text_.size();
        return mistake(begin, "this quoted name is not closed");
      }
      at_ = end + 1;
    } while (peek() == '"');
    token(begin);
  }

  /// A dollar quote, a parameter, or a lonely sign.
  void dollar() {
    const std::size_t begin = at_;
    std::size_t end = at_ + 1;
    if (end < text_.size() && starts_word(text_[end])) {
      while (end < text_.size() && is_in_tag(text_[end])) ++end;
    }
    if (end >= text_.size() || text_[end] != '$') {
      ++at_;
      return token(begin);
    }
    const auto delimiter = text_.substr(begin, end + 1 - begin);
    const auto close = text_.find(delimiter, end + 1);
    if (close == std::string_view::npos) {
      at_ = text_.size();
      return mistake(begin, "the text after " + std::string{delimiter} + " is not closed");
    }
    at_ = close + delimiter.size();
    token(begin);
  }

  void word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_in_word(text_[at_])) ++at_;
    const auto text = small_letters(text_.substr(begin, at_ - begin));
    // E'…' has escapes; of B, N, U& and X the quote alone matters, and it is like any other.
    if (text == "e" && peek() == '\'') return string(begin, true);
    token(begin, true);
    if (makes_routine() && open_parentheses_.empty()) count_blocks(text, begin);
  }

  /// With the letters that follow: of 1e'a' the server makes no string with escapes.
  void number() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_in_tag(text_[at_]) || text_[at_] == '.')) ++at_;
    token(begin);
  }

  /// CREATE [OR REPLACE] FUNCTION or PROCEDURE, whose body may hold semicolons.
  [[nodiscard]] bool makes_routine() const {
    const auto& head = statement_->head;
    const auto is_routine = [&](std::size_t index) {
      return head.size() > index && (head[index] == "function" || head[index] == "procedure");
    };
    if (head.empty() || head[0] != "create") return false;
    return is_routine(1) || (head.size() > 2 && head[1] == "or" && head[2] == "replace" && is_routine(3));
  }

  void count_blocks(std::string_view text, std::size_t begin) {
    if (text == "begin") {
      if (block_depth_++ == 0) block_ = begin;
    } else if (text == "case" && block_depth_ > 0) {  // ends with END, too
      ++block_depth_;
    } else if (text == "end" && block_depth_ > 0) {
      --block_depth_;
    }
  }

  void sign(char c) {
    const std::size_t begin = at_++;
    if (c == '\0') return mistake(begin, "there is a zero byte");
    if (c == '\\') {
      return mistake(begin, "a backslash: commands of psql cannot be used, the file goes to the server as it is");
    }
    if (c == ';' && open_parentheses_.empty() && block_depth_ == 0) return end_statement();
    if (c == '(') open_parentheses_.push_back(begin);
    if (c == ')' && !open_parentheses_.empty()) open_parentheses_.pop_back();
    token(begin);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Script script_;
  std::optional<Statement> statement_;
  std::vector<std::size_t> open_parentheses_;
  std::size_t block_depth_ = 0;
  std::size_t block_ = 0;  ///< where the outermost block begins
};

}  // namespace

Script read_script(std::string_view text) {
  return Scanner{text}.scan();
}

std::size_t line_of(std::string_view text, std::size_t at) noexcept {
  const auto before = text.substr(0, at);
  return static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1;
}

}  // namespace walgate::migrate
