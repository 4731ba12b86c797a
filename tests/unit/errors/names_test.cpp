// names_test.cpp - the table of names, and docs/errors.md against it.

#include "errors/names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "errors/error.hpp"

namespace walgate {
namespace {

TEST(ErrorNames, TheDocumentListsTheTableAndNothingElse) {
  std::ifstream document{WALGATE_SOURCE_DIR "/docs/errors.md"};
  ASSERT_TRUE(document) << "docs/errors.md is missing";
  std::vector<std::string> documented;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("| `")) documented.push_back(line);
  }
  std::vector<std::string> known;
  for (const NameEntry& entry : error_names()) {
    known.push_back("| `" + std::string{entry.text} + "` | " + std::string{entry.meaning} + " | " +
                    std::string{entry.remedy} + " |");
  }
  EXPECT_THAT(documented, testing::ElementsAreArray(known));
}

TEST(ErrorNames, AreWordsOfSmallLettersAndDifferent) {
  std::set<std::string_view> seen;
  for (const NameEntry& entry : error_names()) {
    EXPECT_EQ(entry.text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << entry.text;
    EXPECT_TRUE(seen.insert(entry.text).second) << entry.text;
  }
}

TEST(ErrorNames, MeaningAndRemedyAreSentences) {
  for (const NameEntry& entry : error_names()) {
    for (const std::string_view text : {entry.meaning, entry.remedy}) {
      ASSERT_FALSE(text.empty()) << entry.text;
      EXPECT_TRUE(text.front() >= 'A' && text.front() <= 'Z') << text;
      EXPECT_EQ(text.back(), '.') << text;
      EXPECT_EQ(text.find('|'), std::string_view::npos) << "a bar would break the document's table: " << text;
    }
  }
}

TEST(ErrorNames, AreFoundByTheirText) {
  for (const NameEntry& entry : error_names()) EXPECT_EQ(error_name_of(entry.text), entry.name);
  EXPECT_EQ(error_name_of("slot_recreate"), std::nullopt);
  EXPECT_EQ(error_name_of(""), std::nullopt);
}

TEST(ErrorNames, TextOfANameIsItsEnumerator) {
  EXPECT_EQ(text_of(ErrorName::configuration_invalid), "configuration_invalid");
  EXPECT_EQ(text_of(ErrorName::slot_recreated), "slot_recreated");
  EXPECT_EQ(text_of(ErrorName::internal_error), "internal_error");
}

TEST(Failure, UsesTheRemedyOfItsNameWhenItHasNone) {
  EXPECT_EQ(remedy_of({.name = ErrorName::not_initialised}), "Run `walgate init`.");
  EXPECT_EQ(remedy_of({.name = ErrorName::not_initialised, .remedy = "Wait."}), "Wait.");
}

}  // namespace
}  // namespace walgate
