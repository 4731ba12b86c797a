#include "migrate/draft_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "errors/error.hpp"

namespace walgate::migrate {
namespace {

namespace fs = std::filesystem;

class DraftFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "walgate_draft_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  void put(const std::string& name, const std::string& text) { std::ofstream{folder_ / name} << text; }
  std::string content(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream{folder_ / name}.rdbuf();
    return text.str();
  }
  std::string name_of(int last, const std::string& name = "draft") {
    return fs::path{write_draft(folder_.string(), last, name, "SELECT 1;\n")}.filename().string();
  }
  fs::path folder_;
};

TEST_F(DraftFile, TakesTheNumberAfterTheLast) {
  EXPECT_EQ(name_of(0), "0001_draft.sql");
  EXPECT_EQ(content("0001_draft.sql"), "SELECT 1;\n");
  EXPECT_EQ(name_of(41, "priority"), "0042_priority.sql");
  EXPECT_EQ(name_of(9998), "9999_draft.sql");
}

TEST_F(DraftFile, NeverWritesIntoAFileThatIsThere) {
  put("0003_draft.sql", "mine");
  fs::create_symlink("nowhere", folder_ / "0004_draft.sql");
  EXPECT_EQ(name_of(2), "0005_draft.sql");
  EXPECT_EQ(content("0003_draft.sql"), "mine");
  EXPECT_FALSE(fs::exists(folder_ / "nowhere"));
}

TEST_F(DraftFile, SaysWhenThereIsNoNumberLeft) {
  put("9999_draft.sql", "mine");
  for (const int last : {9998, 9999}) {
    try {
      static_cast<void>(name_of(last));
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.failure().name, ErrorName::draft_not_written);
      EXPECT_NE(error.failure().message.find("9999"), std::string::npos);
    }
  }
}

TEST_F(DraftFile, SaysWhyAFileCannotBeMade) {
  try {
    static_cast<void>(write_draft((folder_ / "gone").string(), 0, "draft", "SELECT 1"));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.failure().name, ErrorName::draft_not_written);
    EXPECT_NE(error.failure().message.find("No such file or directory"), std::string::npos) << error.what();
  }
}

TEST(DraftName, IsWhatAMigrationMayBeCalled) {
  EXPECT_TRUE(is_draft_name("priority_2"));
  for (const auto* name : {"", "Priority", "a b", "../a", "a.sql", "a-b", "ä"})
    EXPECT_FALSE(is_draft_name(name)) << name;
  EXPECT_FALSE(is_draft_name(std::string(200, 'a')));
}

}  // namespace
}  // namespace walgate::migrate
