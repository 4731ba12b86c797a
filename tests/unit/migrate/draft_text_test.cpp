#include "migrate/draft_text.hpp"

#include <gtest/gtest.h>

#include "migrate/migration_file.hpp"

namespace walgate::migrate {
namespace {

/// What our own parser has against the text; how many statements it finds otherwise.
std::string verdict_on(const DraftText& text) {
  std::vector<std::string> mistakes;
  const auto file = parse_migration("0001_draft", "draft", text.text(), mistakes);
  if (!mistakes.empty()) return mistakes.front();
  return file.in_transaction && !file.after_copy ? std::to_string(file.statements.size()) : "a directive";
}

TEST(DraftText, PutsStatementsUnderTheirComments) {
  DraftText text;
  text.block("why");
  text.run("SELECT 1");
  text.block("why not");
  text.ask("SELECT 2");
  EXPECT_EQ(text.text(), "-- why\nSELECT 1;\n\n-- why not\n-- SELECT 2;\n");
  EXPECT_EQ(text.statements(), 1U);
}

TEST(DraftText, BreaksLongComments) {
  DraftText text;
  text.note(std::string(100, 'a') + " " + std::string(20, 'b') + " c");
  EXPECT_EQ(text.text(), "-- " + std::string(100, 'a') + "\n-- " + std::string(20, 'b') + " c\n");
  DraftText endless;
  endless.note(std::string(300, 'a') + " b");
  EXPECT_EQ(endless.text(), "-- " + std::string(300, 'a') + "\n-- b\n");
}

TEST(DraftText, NamesCannotLeaveTheirComment) {
  for (const auto* name : {"a\nDROP TABLE item", "a\r\nDROP TABLE item;", "a\tb", "'", "\"", "$$", "/*", "*/", "\\"}) {
    DraftText text;
    text.block(name);
    text.note(std::string{"a name: "} + name);
    text.ask(std::string{"ALTER TABLE \""} + name + "\" ADD x int");
    text.run("SELECT 1");
    EXPECT_EQ(verdict_on(text), "1") << name;
  }
}

TEST(DraftText, NamesMakeNoDirectives) {
  for (const auto* words :
       {"walgate", "walgate: no-transaction", "nothing fills: after_copy", "after_copy", "no-transaction",
        "name: no_transaction", "`walgate copy`", "\"walgate\" integer", "Walgate, after-copy"}) {
    DraftText text;
    text.block(words);
    text.note(words);
    text.ask(words);
    // Where a line is broken.
    text.note(std::string(105, 'a') + " " + words);
    text.note(std::string(112, 'a') + " " + words);
    text.run("SELECT 1");
    EXPECT_EQ(verdict_on(text), "1") << text.text();
  }
}

}  // namespace
}  // namespace walgate::migrate
