#include "migrate/concurrent_index.hpp"

#include <string_view>
#include <vector>

namespace walgate::migrate {

namespace {

/// Reads the first tokens of a statement one after the other.
class Tokens {
 public:
  explicit Tokens(const std::vector<std::string>& tokens) : tokens_{tokens} {}
  bool take(std::string_view token) {
    if (at_ >= tokens_.size() || tokens_[at_] != token) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool is(std::string_view token) const { return at_ < tokens_.size() && tokens_[at_] == token; }
  std::string next() { return at_ < tokens_.size() ? tokens_[at_++] : std::string{}; }

 private:
  const std::vector<std::string>& tokens_;
  std::size_t at_ = 0;
};

/// Is it CREATE [UNIQUE] INDEX CONCURRENTLY?  Takes these words.
bool takes_beginning(Tokens& tokens) {
  if (!tokens.take("create")) return false;
  tokens.take("unique");
  return tokens.take("index") && tokens.take("concurrently");
}

}  // namespace

std::optional<ConcurrentIndex> concurrent_index_of(const Statement& statement) {
  Tokens tokens{statement.head};
  if (!takes_beginning(tokens) || tokens.is("on")) return std::nullopt;
  ConcurrentIndex found;
  found.if_not_exists = tokens.take("if") && tokens.take("not") && tokens.take("exists");
  found.index = tokens.next();
  if (!tokens.take("on")) return std::nullopt;
  tokens.take("only");
  found.table = tokens.next();
  while (tokens.take(".")) found.table += '.' + tokens.next();
  return found;
}

bool builds_unnamed_index(const Statement& statement) {
  Tokens tokens{statement.head};
  return takes_beginning(tokens) && tokens.is("on");
}

}  // namespace walgate::migrate
