#include "migrate/migration_file.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "migrate/checksum.hpp"
#include "migrate/concurrent_index.hpp"
#include "migrate/directives.hpp"

namespace walgate::migrate {

namespace {

constexpr std::size_t digits = 4;
constexpr std::size_t longest_id = 120;

/// The first byte of the first line that is not UTF-8.
std::size_t first_bad_line(std::string_view text) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    const auto end = std::min(text.find('\n', begin), text.size());
    if (!simdjson::validate_utf8(text.substr(begin, end - begin))) return begin;
    begin = end + 1;
  }
  return begin;
}

/// Does the statement begin or end a transaction?
bool is_about_transactions(const Statement& statement) {
  const auto word = [&](std::size_t index) {
    return index < statement.head.size() ? std::string_view{statement.head[index]} : std::string_view{};
  };
  const auto first = word(0);
  if (first == "rollback") {
    const auto next = word(1) == "work" || word(1) == "transaction" ? word(2) : word(1);
    return next != "to";  // a savepoint
  }
  return first == "begin" || first == "commit" || first == "end" || first == "abort" ||
         (first == "start" && word(1) == "transaction") || (first == "prepare" && word(1) == "transaction");
}

}  // namespace

int number_of(std::string_view id) noexcept {
  if (id.size() < digits + 2 || id.size() > longest_id || id[digits] != '_') return 0;
  int number = 0;
  for (const char c : id.substr(0, digits)) {
    if (c < '0' || c > '9') return 0;
    number = number * 10 + (c - '0');
  }
  const bool good = std::ranges::all_of(
      id.substr(digits), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
  return good ? number : 0;
}

MigrationFile parse_migration(std::string id, std::string path, std::string text, std::vector<std::string>& mistakes) {
  MigrationFile file{.number = number_of(id), .id = std::move(id), .path = std::move(path), .text = std::move(text)};
  file.checksum = sha256(file.text);
  const auto add = [&](std::size_t at, std::string_view what) {
    mistakes.push_back(fmt::format("{}: {}", file.place(at), what));
  };
  if (file.text.starts_with("\xef\xbb\xbf")) {
    add(0, "the file begins with a byte order mark; save it without one");
    return file;
  }
  if (!simdjson::validate_utf8(file.text)) {
    add(first_bad_line(file.text), "this line is not UTF-8");
    return file;
  }
  auto script = read_script(file.text);
  for (const auto& mistake : script.mistakes) add(mistake.at, mistake.text);
  if (!script.mistakes.empty()) return file;

  DirectiveMistakes wrong;
  const auto directives = read_directives(file.text, script, wrong);
  for (const auto& mistake : wrong) add(mistake.at, mistake.text);
  file.in_transaction = !directives.no_transaction;
  file.after_copy = directives.after_copy;
  file.statements = std::move(script.statements);
  if (file.statements.empty()) {
    add(0, "the file holds no statement");
    return file;
  }
  for (const auto& statement : file.statements) {
    if (!is_about_transactions(statement)) continue;
    add(statement.span.begin, file.in_transaction
                                  ? "the file runs in one transaction of walgate's and cannot begin or end one itself"
                                  : "a no-transaction file holds one statement that runs outside of any transaction");
  }
  if (!file.in_transaction && file.statements.size() > 1) {
    add(file.statements[1].span.begin, "a no-transaction file holds exactly one statement, and this is a second one");
  }
  if (!file.in_transaction && builds_unnamed_index(file.statements.front())) {
    add(file.statements.front().span.begin,
        "the index needs a name, by which it can be found after a crash: CREATE INDEX CONCURRENTLY name ON …");
  }
  return file;
}

}  // namespace walgate::migrate
