// migration_file_test.cpp - names, directives and what a file may not hold.

#include "migrate/migration_file.hpp"

#include <gtest/gtest.h>

namespace walgate::migrate {
namespace {

std::string mistakes_of(std::string text) {
  std::vector<std::string> mistakes;
  const auto file = parse_migration("0007_priority", "m/0007_priority.sql", std::move(text), mistakes);
  std::string out;
  for (const auto& mistake : mistakes) out += mistake + '\n';
  return out;
}

MigrationFile good(std::string text) {
  std::vector<std::string> mistakes;
  auto file = parse_migration("0007_priority", "m/0007_priority.sql", std::move(text), mistakes);
  EXPECT_TRUE(mistakes.empty()) << mistakes.front();
  return file;
}

constexpr std::string_view no_directive =
    "this is no directive of walgate; \"-- walgate: no-transaction\" and \"-- walgate: after-copy\" are\n";

TEST(MigrationName, IsFourDigitsAndAName) {
  EXPECT_EQ(number_of("0007_priority"), 7);
  EXPECT_EQ(number_of("9999_a"), 9999);
  EXPECT_EQ(number_of("0001_a_1"), 1);
  for (const char* bad : {"", "0007", "0007_", "007_a", "00007_a", "0000_a", "0007-a", "0007_A", "0007_a b", "a007_a",
                          "0007_ä", "0007_a.b", " 0007_a", "+007_a", "0007_a/b"}) {
    EXPECT_EQ(number_of(bad), 0) << bad;
  }
  EXPECT_EQ(number_of("0007_" + std::string(200, 'a')), 0);
}

TEST(MigrationFile, HoldsStatementsAndAChecksumOfItsBytes) {
  const auto file = good("ALTER TABLE a ADD b int;\nUPDATE a SET b = 1;\n");
  EXPECT_EQ(file.number, 7);
  EXPECT_TRUE(file.in_transaction);
  EXPECT_FALSE(file.after_copy);
  ASSERT_EQ(file.statements.size(), 2U);
  EXPECT_EQ(file.sql(file.statements[1]), "UPDATE a SET b = 1");
  EXPECT_EQ(file.place(file.statements[1].span.begin), "m/0007_priority.sql:2");
  EXPECT_EQ(good("SELECT 1").checksum, "e004ebd5b5532a4b85984a62f8ad48a81aa3460c1ca07701f386135d72cdecf5");
  EXPECT_NE(good("SELECT 1").checksum, good("SELECT 1\n").checksum);
}

TEST(MigrationFile, ReadsDirectivesInItsHead) {
  EXPECT_FALSE(good("-- walgate: no-transaction\nVACUUM a").in_transaction);
  EXPECT_TRUE(good("-- walgate: after-copy\nSELECT 1").after_copy);
  const auto both =
      good("\n-- what it is for\n/* more */\r\n-- walgate: after-copy\r\n\n  -- walgate: no-transaction  \nVACUUM a;");
  EXPECT_TRUE(both.after_copy);
  EXPECT_FALSE(both.in_transaction);
  EXPECT_TRUE(good("-- for the walgate pipeline: nothing to say\nSELECT 1").in_transaction);
}

TEST(MigrationFile, RefusesWhatOnlyLooksLikeADirective) {
  for (const char* bad : {"-- walgate: no-transactions", "-- walgate: no_transaction", "-- walgate: No-Transaction",
                          "-- Walgate: no-transaction", "--walgate: no-transaction", "-- walgate:no-transaction",
                          "-- walgate no-transaction", "-- walgate = after-copy", "-- walgate:", "-- walgate",
                          "-- walgate: ", "--  walgate: after-copy", "-- walgate: after-copy, no-transaction",
                          "-- walgte: no-transaction", "-- no-transaction", "/* walgate: no-transaction */",
                          "-- walgate: aftercopy", "-- walgate: after-copy;"}) {
    EXPECT_EQ(mistakes_of(std::string{bad} + "\nVACUUM a"), "m/0007_priority.sql:1: " + std::string{no_directive})
        << bad;
  }
}

TEST(MigrationFile, RefusesADirectiveThatIsGivenTwiceOrTooLate) {
  EXPECT_EQ(mistakes_of("-- walgate: after-copy\n-- walgate: after-copy\nSELECT 1"),
            "m/0007_priority.sql:2: the directive after-copy is given twice\n");
  EXPECT_EQ(mistakes_of("VACUUM a;\n-- walgate: no-transaction\n"),
            "m/0007_priority.sql:2: a directive has to stand before the first statement\n");
  EXPECT_EQ(mistakes_of("VACUUM a; -- walgate: no-transaction"),
            "m/0007_priority.sql:1: a directive has to stand before the first statement\n");
  EXPECT_EQ(mistakes_of("SELECT '-- walgate: no-transaction'"), "");
}

TEST(MigrationFile, RefusesAFileWithoutAStatement) {
  for (const char* empty : {"", "\n\n", "-- walgate: no-transaction\n", ";", "/* SELECT 1; */"}) {
    EXPECT_EQ(mistakes_of(empty), "m/0007_priority.sql:1: the file holds no statement\n") << empty;
  }
}

TEST(MigrationFile, RefusesWhatIsNoText) {
  EXPECT_EQ(mistakes_of("\xef\xbb\xbfSELECT 1"),
            "m/0007_priority.sql:1: the file begins with a byte order mark; save it without one\n");
  EXPECT_EQ(mistakes_of("SELECT 1;\nSELECT '\xe4'"), "m/0007_priority.sql:2: this line is not UTF-8\n");
  EXPECT_EQ(mistakes_of(std::string{"\xff\xfeS\0", 4}), "m/0007_priority.sql:1: this line is not UTF-8\n");
}

TEST(MigrationFile, RefusesStatementsAboutTransactions) {
  for (const char* bad :
       {"BEGIN", "begin work", "COMMIT", "COMMIT AND CHAIN", "END", "ABORT", "ROLLBACK", "ROLLBACK WORK",
        "START TRANSACTION", "PREPARE TRANSACTION 'a'", "COMMIT PREPARED 'a'", "/* a */ Commit"}) {
    EXPECT_EQ(
        mistakes_of(std::string{"SELECT 1;\n"} + bad),
        "m/0007_priority.sql:2: the file runs in one transaction of walgate's and cannot begin or end one itself\n")
        << bad;
  }
  EXPECT_EQ(mistakes_of("SAVEPOINT a; ROLLBACK TO a; ROLLBACK WORK TO SAVEPOINT a; RELEASE a; PREPARE b AS SELECT 1"),
            "");
  EXPECT_EQ(mistakes_of("DO $$ BEGIN COMMIT; END $$"), "");  // the server refuses it
}

TEST(MigrationFile, TakesOneStatementOutsideOfATransaction) {
  EXPECT_EQ(mistakes_of("-- walgate: no-transaction\nVACUUM a;\nVACUUM b;\nVACUUM c;"),
            "m/0007_priority.sql:3: a no-transaction file holds exactly one statement, and this is a second one\n");
  EXPECT_EQ(mistakes_of("-- walgate: no-transaction\nBEGIN"),
            "m/0007_priority.sql:2: a no-transaction file holds one statement that runs outside of any transaction\n");
}

TEST(MigrationFile, WantsANameForAnIndexThatIsBuiltConcurrently) {
  EXPECT_EQ(mistakes_of("-- walgate: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY ON a (b)"),
            "m/0007_priority.sql:2: the index needs a name, by which it can be found after a crash: CREATE INDEX "
            "CONCURRENTLY name ON …\n");
  EXPECT_EQ(mistakes_of("-- walgate: no-transaction\nCREATE INDEX CONCURRENTLY a_b ON a (b)"), "");
}

TEST(MigrationFile, TellsMistakesOfTheLexerWithTheirLines) {
  EXPECT_EQ(
      mistakes_of("SELECT 1;\n\n\\d"),
      "m/0007_priority.sql:3: a backslash: commands of psql cannot be used, the file goes to the server as it is\n");
}

}  // namespace
}  // namespace walgate::migrate
