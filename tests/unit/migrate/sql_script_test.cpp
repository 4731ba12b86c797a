// sql_script_test.cpp - where statements end, in every odd place a semicolon can stand.

#include "migrate/sql_script.hpp"

#include <gtest/gtest.h>

namespace walgate::migrate {
namespace {

// The statements, each between brackets; then the mistakes with their lines.
std::string cut(std::string_view text) {
  const Script script = read_script(text);
  std::string out;
  for (const auto& statement : script.statements) {
    out += '[';
    out += text.substr(statement.span.begin, statement.span.end - statement.span.begin);
    out += ']';
  }
  for (const auto& mistake : script.mistakes) {
    out += "{" + std::to_string(line_of(text, mistake.at)) + ": " + mistake.text + "}";
  }
  return out;
}

std::string head_of(std::string_view text) {
  std::string out;
  const auto script = read_script(text);
  for (const auto& token : script.statements.at(0).head) out += token + ' ';
  return out;
}

TEST(SqlScript, CutsAtSemicolons) {
  EXPECT_EQ(cut("SELECT 1; SELECT 2;"), "[SELECT 1][SELECT 2]");
  EXPECT_EQ(cut("SELECT 1"), "[SELECT 1]");
  EXPECT_EQ(cut(";;\n ; SELECT 1 ;; "), "[SELECT 1]");
  EXPECT_EQ(cut(""), "");
  EXPECT_EQ(cut(" \r\n\t\f\v"), "");
}

TEST(SqlScript, LeavesCommentsAroundAStatementOut) {
  EXPECT_EQ(cut("-- a; b\nSELECT 1 -- c; d\n; /* e; */ SELECT /* f; */ 2 /* g */"), "[SELECT 1][SELECT /* f; */ 2]");
  EXPECT_EQ(cut("-- only this"), "");
  EXPECT_EQ(cut("SELECT 1 --"), "[SELECT 1]");
  EXPECT_EQ(cut("SELECT 1 -- a\rSELECT 2"), "[SELECT 1 -- a\rSELECT 2]");
}

TEST(SqlScript, NestsComments) {
  EXPECT_EQ(cut("/* a /* b; */ c; */ SELECT 1; SELECT 2"), "[SELECT 1][SELECT 2]");
  EXPECT_EQ(cut("/*/* */; */SELECT 1"), "[SELECT 1]");
  EXPECT_EQ(cut("SELECT 1;\n/* /* */"), "[SELECT 1]{2: this comment is not closed}");
  EXPECT_EQ(cut("/*"), "{1: this comment is not closed}");
}

TEST(SqlScript, KnowsStrings) {
  EXPECT_EQ(cut("SELECT ';'; SELECT 1"), "[SELECT ';'][SELECT 1]");
  EXPECT_EQ(cut("SELECT 'it''s;'; SELECT 1"), "[SELECT 'it''s;'][SELECT 1]");
  EXPECT_EQ(cut("SELECT '--', '/*'; SELECT 1"), "[SELECT '--', '/*'][SELECT 1]");
  EXPECT_EQ(cut("SELECT 1;\nSELECT 'a"), "[SELECT 1]{2: this string is not closed}");
  EXPECT_EQ(cut("SELECT ''; SELECT ''''; SELECT 1"), "[SELECT ''][SELECT ''''][SELECT 1]");
}

TEST(SqlScript, TakesABackslashInAPlainStringAsItIs) {
  EXPECT_EQ(cut(R"(SELECT 'a\'; SELECT 1)"), R"([SELECT 'a\'][SELECT 1])");
  EXPECT_EQ(cut(R"(SELECT N'a\', B'0', X'f', U&'\0041'; SELECT 1)"),
            R"([SELECT N'a\', B'0', X'f', U&'\0041'][SELECT 1])");
}

TEST(SqlScript, KnowsStringsWithEscapes) {
  EXPECT_EQ(cut(R"(SELECT E'a\';'; SELECT 1)"), R"([SELECT E'a\';'][SELECT 1])");
  EXPECT_EQ(cut(R"(SELECT e'a\\'; SELECT 1)"), R"([SELECT e'a\\'][SELECT 1])");
  EXPECT_EQ(cut(R"(SELECT E'''\''; SELECT 1)"), R"([SELECT E'''\''][SELECT 1])");
  EXPECT_EQ(cut("SELECT E'a\\"), "{1: this string is not closed}");
  EXPECT_EQ(cut(R"(SELECT 1e'a\'; SELECT 1)"), R"([SELECT 1e'a\'][SELECT 1])");
  // The name of a column that ends in e is no such string.
  EXPECT_EQ(cut(R"(SELECT date 'a\'; SELECT 1)"), R"([SELECT date 'a\'][SELECT 1])");
  EXPECT_EQ(cut(R"(SELECT date'a\'; SELECT 1)"), R"([SELECT date'a\'][SELECT 1])");
}

TEST(SqlScript, GoesOnWithAStringInAnotherLine) {
  EXPECT_EQ(cut("SELECT E'a'\n'b\\';'; SELECT 1"), "[SELECT E'a'\n'b\\';'][SELECT 1]");
  EXPECT_EQ(cut("SELECT E'a' -- c\n -- d\n 'b\\';'; SELECT 1"), "[SELECT E'a' -- c\n -- d\n 'b\\';'][SELECT 1]");
  EXPECT_EQ(cut("SELECT 'a'\n'b\\'; SELECT 1"), "[SELECT 'a'\n'b\\'][SELECT 1]");
  // On one line the second is a string of its own.
  EXPECT_EQ(cut("SELECT E'a' 'b\\'; SELECT 1"), "[SELECT E'a' 'b\\'][SELECT 1]");
}

TEST(SqlScript, KnowsQuotedNames) {
  EXPECT_EQ(cut(R"(SELECT ";"; SELECT 1)"), R"([SELECT ";"][SELECT 1])");
  EXPECT_EQ(cut(R"(SELECT "a"";'"; SELECT 1)"), R"([SELECT "a"";'"][SELECT 1])");
  EXPECT_EQ(cut("\n\nSELECT \"a"), "{3: this quoted name is not closed}");
}

TEST(SqlScript, KnowsDollarQuotes) {
  EXPECT_EQ(cut("DO $$ BEGIN; ' END $$; SELECT 1"), "[DO $$ BEGIN; ' END $$][SELECT 1]");
  EXPECT_EQ(cut("DO $a$ $$ ; $b$ ; $A$ $a$; SELECT 1"), "[DO $a$ $$ ; $b$ ; $A$ $a$][SELECT 1]");
  EXPECT_EQ(cut("DO $ä1_$ ; $ä1_$; SELECT 1"), "[DO $ä1_$ ; $ä1_$][SELECT 1]");
  EXPECT_EQ(cut("DO $a$ ; $a"), "{1: the text after $a$ is not closed}");
  EXPECT_EQ(cut("DO $$$$; SELECT 1"), "[DO $$$$][SELECT 1]");
}

TEST(SqlScript, TakesOtherDollarsForNoQuotes) {
  EXPECT_EQ(cut("SELECT a$b$ ; SELECT $b$"), "[SELECT a$b$]{1: the text after $b$ is not closed}");
  EXPECT_EQ(cut("SELECT a$$; SELECT 1"), "[SELECT a$$][SELECT 1]");
  EXPECT_EQ(cut("SELECT $1; SELECT $1$; SELECT $ a$"), "[SELECT $1][SELECT $1$][SELECT $ a$]");
}

TEST(SqlScript, KeepsWhatIsInParenthesesTogether) {
  EXPECT_EQ(cut("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3"),
            "[CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)][SELECT 3]");
  EXPECT_EQ(cut("SELECT ')'; SELECT (1);\nSELECT (2; SELECT 3"),
            "[SELECT ')'][SELECT (1)]{2: this parenthesis is not closed}");
  EXPECT_EQ(cut("SELECT 1); SELECT 2"), "[SELECT 1)][SELECT 2]");
}

TEST(SqlScript, KeepsBodiesOfStandardFunctionsTogether) {
  const std::string body =
      "CREATE OR REPLACE FUNCTION f(a int) RETURNS int BEGIN ATOMIC SELECT 1; "
      "SELECT CASE WHEN a > 1 THEN 2 END; END";
  EXPECT_EQ(cut(body + "; SELECT 1"), "[" + body + "][SELECT 1]");
  EXPECT_EQ(cut("create procedure p() begin atomic insert into t values (1); end; SELECT 1"),
            "[create procedure p() begin atomic insert into t values (1); end][SELECT 1]");
  EXPECT_EQ(cut("BEGIN; SELECT 1; END;"), "[BEGIN][SELECT 1][END]");
  EXPECT_EQ(cut("CREATE FUNCTION f() RETURNS int\nBEGIN ATOMIC SELECT 1;"),
            "{2: this BEGIN ATOMIC has no END}");
}

TEST(SqlScript, RefusesCommandsOfPsql) {
  EXPECT_EQ(cut("\\set a 1"),
            "{1: a backslash: commands of psql cannot be used, the file goes to the server as it is}");
  EXPECT_EQ(cut("SELECT 1;\n\\i other.sql\n"),
            "[SELECT 1]{2: a backslash: commands of psql cannot be used, the file goes to the server as it is}");
  EXPECT_EQ(cut("SELECT $$\\d$$, '\\d', \"\\d\" -- \\d\n/* \\d */"), "[SELECT $$\\d$$, '\\d', \"\\d\"]");
}

TEST(SqlScript, RefusesAZeroByte) {
  EXPECT_EQ(cut(std::string_view{"SELECT 1;\n\0", 11}), "[SELECT 1]{2: there is a zero byte}");
}

TEST(SqlScript, TellsTheFirstTokens) {
  EXPECT_EQ(head_of("Create /* x */ INDEX \"A B\" ON s.t(a)"), "create index \"A B\" on s . t ( a ) ");
}

TEST(SqlScript, CountsLinesFromOne) {
  EXPECT_EQ(line_of("a\nb\nc", 0), 1U);
  EXPECT_EQ(line_of("a\nb\nc", 4), 3U);
  EXPECT_EQ(line_of("a\nb\nc", 99), 3U);
}

}  // namespace
}  // namespace walgate::migrate
