// directory_test.cpp - which entries of a folder are migrations.

#include "migrate/directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "errors/error.hpp"

namespace walgate::migrate {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class MigrationDirectory : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "walgate_migrations_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  void file(const std::string& name, const std::string& text = "SELECT 1;") { std::ofstream{folder_ / name} << text; }
  [[nodiscard]] std::string ids() const {
    std::string out;
    for (const auto& each : read_directory(folder_.string())) out += each.id + ' ';
    return out;
  }
  // Message and detail of the refusal.
  [[nodiscard]] std::string refusal() const {
    try {
      return "read: " + ids();
    } catch (const Error& error) {
      return std::string{text_of(error.failure().name)} + ": " + error.failure().message + error.failure().detail;
    }
  }

  fs::path folder_;
};

TEST_F(MigrationDirectory, IsReadInTheOrderOfNumbersWithGaps) {
  file("0010_c.sql");
  file("0002_b.sql");
  file("0001_a.sql");
  EXPECT_EQ(ids(), "0001_a 0002_b 0010_c ");
}

TEST_F(MigrationDirectory, MayBeEmpty) {
  EXPECT_EQ(ids(), "");
}

TEST_F(MigrationDirectory, LeavesOtherEntriesAlone) {
  file("0001_a.sql");
  file("README.md");
  file(".0002_b.sql");
  file(".gitattributes");
  fs::create_directory(folder_ / "old");
  EXPECT_EQ(ids(), "0001_a ");
}

TEST_F(MigrationDirectory, RefusesNamesThatMightBeMeant) {
  for (const char* bad : {"1_a.sql", "0001-a.sql", "0001_a.SQL", "0001_a.sq", "0001_a.sql~", "0001_a.sql.bak", "a.sql",
                          "0001_A.sql", "0001_.sql", "0000_a.sql", "00001_a.sql", "0001_a b.sql", "0001_a"}) {
    file(bad);
    EXPECT_THAT(refusal(), HasSubstr(std::string{"/"} + bad + ": the name has to be four digits")) << bad;
    fs::remove(folder_ / bad);
  }
}

TEST_F(MigrationDirectory, RefusesEqualNumbers) {
  file("0001_a.sql");
  file("0001_b.sql");
  EXPECT_THAT(refusal(), HasSubstr("0001_b.sql: " + (folder_ / "0001_a.sql").string() + " has the same number"));
}

TEST_F(MigrationDirectory, FollowsALinkToAFileOnly) {
  file("there");
  fs::create_symlink(folder_ / "there", folder_ / "0001_a.sql");
  EXPECT_EQ(ids(), "0001_a ");
  fs::create_symlink(folder_ / "nowhere", folder_ / "0002_b.sql");
  EXPECT_THAT(refusal(), HasSubstr("0002_b.sql: the link leads nowhere"));
  fs::remove(folder_ / "0002_b.sql");
  fs::create_directory(folder_ / "0003_c.sql");
  EXPECT_THAT(refusal(), HasSubstr("0003_c.sql: this is not a file"));
}

TEST_F(MigrationDirectory, TellsAllMistakesAtOnce) {
  file("0001_a.sql", "");
  file("0002_b.sql", "SELECT 'a");
  EXPECT_THAT(refusal(), HasSubstr("2 mistakes in the migrations of"));
  EXPECT_THAT(refusal(), HasSubstr("0001_a.sql:1: the file holds no statement"));
  EXPECT_THAT(refusal(), HasSubstr("0002_b.sql:1: this string is not closed"));
}

TEST_F(MigrationDirectory, HasToBeThere) {
  fs::remove_all(folder_);
  EXPECT_THAT(refusal(), HasSubstr("configuration_invalid: migrations.directory"));
  std::ofstream{folder_} << "a file";
  EXPECT_THAT(refusal(), HasSubstr("configuration_invalid: migrations.directory"));
}

}  // namespace
}  // namespace walgate::migrate
