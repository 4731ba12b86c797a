// plan_test.cpp - the files beside the ledger.

#include "migrate/plan.hpp"

#include <gtest/gtest.h>

namespace walgate::migrate {
namespace {

struct Case {
  std::vector<MigrationFile> files;
  std::vector<LedgerRow> ledger;

  Case& file(std::string id, const std::string& text = "SELECT 1") {
    std::vector<std::string> mistakes;
    const auto path = id + ".sql";
    files.push_back(parse_migration(std::move(id), path, text, mistakes));
    return *this;
  }
  Case& row(std::string id, std::string_view text = "SELECT 1", bool running = false) {
    std::vector<std::string> mistakes;
    const auto checksum = parse_migration(id, "", std::string{text}, mistakes).checksum;
    const int number = number_of(id);
    ledger.push_back({.number = number, .id = std::move(id), .checksum = checksum, .running = running});
    return *this;
  }
  [[nodiscard]] std::string states() const {
    std::string out;
    for (const auto& migration : compare(files, ledger)) {
      out += migration.id() + ' ' + std::string{text_of(migration.state)} + '\n';
    }
    return out;
  }
};

TEST(Plan, TellsWhatIsAppliedAndWhatIsToCome) {
  EXPECT_EQ(Case{}.file("0001_a").file("0003_b").file("0004_c").row("0001_a").row("0003_b").states(),
            "0001_a applied\n0003_b applied\n0004_c pending\n");
  EXPECT_EQ(Case{}.states(), "");
}

TEST(Plan, NoticesAChangedFile) {
  EXPECT_EQ(Case{}.file("0001_a", "SELECT 2").row("0001_a").states(), "0001_a changed\n");
}

TEST(Plan, TakesAnotherNameUnderTheNumberForAChange) {
  EXPECT_EQ(Case{}.file("0001_b").row("0001_a").states(), "0001_b changed\n");
}

TEST(Plan, NoticesAMissingFile) {
  EXPECT_EQ(Case{}.file("0002_b").row("0001_a").row("0002_b").states(), "0001_a missing\n0002_b applied\n");
}

TEST(Plan, NoticesAFileThatComesTooLate) {
  EXPECT_EQ(Case{}.file("0001_a").file("0002_b").file("0003_c").row("0001_a").row("0003_c").states(),
            "0001_a applied\n0002_b out_of_order\n0003_c applied\n");
}

TEST(Plan, LetsAFileThatWaitsForTheCopyComeAfterOthers) {
  const std::string waits = "-- walgate: after-copy\nSELECT 1";
  EXPECT_EQ(Case{}.file("0001_a", waits).file("0002_b").row("0002_b").states(), "0001_a pending\n0002_b applied\n");
  // Not after others that have waited like it, and no other file after one that waited.
  EXPECT_EQ(Case{}.file("0001_a", waits).file("0002_b", waits).row("0002_b", waits).states(),
            "0001_a out_of_order\n0002_b applied\n");
  EXPECT_EQ(Case{}.file("0001_a").file("0002_b", waits).row("0002_b", waits).states(),
            "0001_a out_of_order\n0002_b applied\n");
}

TEST(Plan, NoticesARunWhoseEndIsNotRecorded) {
  const std::string vacuum = "-- walgate: no-transaction\nVACUUM a";
  EXPECT_EQ(Case{}.file("0001_a", vacuum).row("0001_a", vacuum, true).states(), "0001_a unfinished\n");
}

TEST(Plan, SaysWhatIsTheMatter) {
  const auto name_of = [](const Case& given) {
    const auto all = compare(given.files, given.ledger);
    const auto failure = objection_to(all.at(0));
    return failure ? std::string{text_of(failure->name)} + ": " + failure->message : std::string{};
  };
  EXPECT_EQ(name_of(Case{}.file("0001_a")), "");
  EXPECT_EQ(name_of(Case{}.file("0001_a", "SELECT 2").row("0001_a")),
            "migration_changed: 0001_a.sql: the file has changed since it was applied at ");
  EXPECT_EQ(name_of(Case{}.file("0001_b").row("0001_a")),
            "migration_changed: 0001_b.sql: number 0001 was applied as 0001_a.sql at ");
  EXPECT_EQ(name_of(Case{}.row("0001_a")),
            "migration_missing: 0001_a.sql was applied at , and there is no such file any more");
  EXPECT_EQ(name_of(Case{}.file("0001_a").row("0002_b")),
            "migration_out_of_order: 0001_a.sql: it has not been applied, and 0002_b, which has a higher number, has "
            "been at ");
}

}  // namespace
}  // namespace walgate::migrate
