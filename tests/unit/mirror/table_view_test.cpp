// table_view_test.cpp - what records come to, key by key, and what is said of their order and of rows that differ.

#include "mirror/table_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace walgate::mirror {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

RecordContent content(char operation, std::vector<std::pair<std::string, std::string>> row = {}) {
  RecordContent made;
  made.operation = operation;
  for (auto& [column, value] : row) {
    made.columns.push_back(column);
    made.hashes.push_back(hash_of(value));
  }
  return made;
}

RecordContent row(const std::string& id, const std::string& a) {
  return content('c', {{"id", id}, {"a", a}});
}

class View {
 public:
  // One partition, columns id and a.
  View() {
    const std::vector<SchemaColumn> now{{.name = "id", .type = "int4", .key = 1}, {.name = "a", .type = "text"}};
    static_cast<void>(versions_.of("public.item", {now[0], {.name = "a", .type = "int4"}}, Lsn{1}));  // 1.0
    static_cast<void>(versions_.of("public.item", {now[0]}, Lsn{1}));                                 // 2.0
    static_cast<void>(versions_.of("public.item", now, Lsn{1}));                                      // 2.1
    view_.emplace("public.item", now, versions_, 1);
  }

  struct Extra {
    std::string schema = "2.1";
    std::string unavailable{};
    std::int32_t partition = 0;
  };
  void take(const std::string& key, std::uint64_t lsn, std::uint64_t position, const RecordContent& one) {
    take(key, lsn, position, one, Extra{});
  }
  void take(const std::string& key, std::uint64_t lsn, std::uint64_t position, const RecordContent& one,
            const Extra& extra) {
    view_->take({.partition = extra.partition,
                 .offset = offset_++,
                 .key = key,
                 .has_key = key != "-",
                 .lsn = Lsn{lsn},
                 .position = position,
                 .schema = extra.schema,
                 .unavailable = extra.unavailable,
                 .content = one.operation == 0 ? nullptr : &one});
  }
  void tombstone(const std::string& key, std::uint64_t lsn, std::uint64_t position) {
    take(key, lsn, position, RecordContent{});
  }

  // Rows by their key and column a; the differences as "kind offset columns".
  std::vector<std::string> compare(const std::vector<std::pair<std::string, std::string>>& rows) {
    view_->begin_rows();
    for (const auto& [key, a] : rows) view_->row(key, row(key, a));
    std::vector<std::string> all;
    for (const auto& [key, one] : view_->end_rows()) {
      const auto* const kind = one.kind == DifferenceKind::missing      ? "missing"
                               : one.kind == DifferenceKind::unexpected ? "unexpected"
                                                                        : "different";
      std::string text = std::string{kind} + " " + std::to_string(one.offset);
      for (const auto& column : one.columns) text += " " + column;
      all.push_back(text);
    }
    return all;
  }
  TableView& operator*() { return *view_; }
  TableView* operator->() { return &*view_; }

 private:
  SchemaVersions versions_;
  std::optional<TableView> view_;
  std::int64_t offset_ = 0;
};

TEST(TableView, IsTheLastRecordOfEachKey) {
  View view;
  view.take("1", 10, 1, row("1", "x"));
  view.take("2", 10, 2, row("2", "x"));
  view.take("1", 20, 1, row("1", "y"));
  view.take("2", 30, 1, content('d'));
  view.tombstone("2", 30, 1);
  EXPECT_EQ(view->keys(), 1U);
  EXPECT_EQ(view->records(), 5U);
  EXPECT_THAT(view.compare({{"1", "y"}}), IsEmpty());
  EXPECT_EQ(view->rows(), 1U);
  EXPECT_EQ(view->out_of_order() + view->misplaced(), 0U);
}

TEST(TableView, TellsKeysThatAreMissingUnexpectedOrDifferent) {
  View view;
  view.take("1", 10, 1, row("1", "x"));
  view.take("2", 10, 2, row("2", "x"));
  view.take("3", 20, 1, content('d'));
  EXPECT_THAT(view.compare({{"1", "z"}, {"3", "x"}, {"4", "x"}}),
              UnorderedElementsAre("different 0 a", "unexpected 1", "missing 2", "missing -1"));
  EXPECT_THAT(view.compare({{"1", "x"}, {"2", "x"}}), IsEmpty()) << "a second look starts anew";
  EXPECT_EQ(view->last_change_of(hash_of("3")), Lsn{20});
  EXPECT_EQ(view->last_change_of(hash_of("4")), Lsn{});
}

TEST(TableView, ForgetsAllOnATruncate) {
  View view;
  view.take("1", 10, 1, row("1", "x"));
  view.take("-", 20, 1, content('t'));
  view.take("2", 20, 2, row("2", "x"));
  EXPECT_EQ(view->keys(), 1U);
  EXPECT_THAT(view.compare({{"2", "x"}}), IsEmpty());
  EXPECT_EQ(view->out_of_order(), 0U);
}

TEST(TableView, TellsRecordsThatStandBehindLaterOnesOrTwice) {
  View view;
  view.take("1", 20, 1, row("1", "x"));
  view.take("1", 10, 1, row("1", "x"));
  view.take("2", 30, 2, row("2", "x"));
  view.take("2", 30, 2, row("2", "x"));
  view.take("3", 40, 1, content('d'));
  view.tombstone("3", 40, 1);
  view.tombstone("3", 40, 1);
  EXPECT_EQ(view->out_of_order(), 3U);
  ASSERT_EQ(view->examples().size(), 3U);
  EXPECT_EQ(view->examples().front().offset, 1);
}

TEST(TableView, LetsACopyOfTheRowsStandWhereItWasMade) {
  View view;
  view.take("1", 20, 3, row("1", "x"));
  view.take("1", 20, 1, content('r', {{"id", "1"}, {"a", "x"}}));
  view.take("1", 21, 1, row("1", "x"));
  EXPECT_EQ(view->out_of_order(), 0U);
}

TEST(TableView, ChecksTheOrderOfRecordsWithoutKeysInTheirPartition) {
  View view;
  view.take("-", 10, 1, row("1", "x"));
  view.take("-", 10, 2, row("1", "x"));
  EXPECT_EQ(view->out_of_order(), 0U);
  view.take("-", 10, 2, row("1", "x"));
  EXPECT_EQ(view->out_of_order(), 1U);
}

TEST(TableView, DoesNotCompareValuesThatTheWalDidNotHold) {
  View view;
  view.take("1", 10, 1, row("1", "placeholder"), {.unavailable = "b,a"});
  EXPECT_THAT(view.compare({{"1", "x"}}), IsEmpty());
  view.take("1", 20, 1, row("1", "placeholder"), {.unavailable = "aa"});
  EXPECT_THAT(view.compare({{"1", "x"}}), ElementsAre("different 1 a"));
}

TEST(TableView, ComparesWhatOlderColumnsHaveInCommon) {
  View view;
  view.take("1", 10, 1, content('c', {{"id", "1"}}), {.schema = "2.0"});
  view.take("2", 10, 2, row("2", "of another type"), {.schema = "1.0"});
  view.take("3", 10, 3, content('c', {{"id", "99"}}), {.schema = "2.0"});
  EXPECT_THAT(view.compare({{"1", "x"}, {"2", "x"}, {"3", "x"}}), ElementsAre("different 2 id"));
  EXPECT_EQ(view->older_rows(), 3U);
}

TEST(TableView, TellsRecordsInAPartitionThatIsNotTheirKeys) {
  SchemaVersions versions;
  TableView view{"public.item", {{.name = "id", .type = "int4", .key = 1}}, versions, 100};
  const auto one = content('c', {{"id", "1"}});
  for (std::int32_t partition = 0; partition < 100; ++partition) {
    view.take({.partition = partition,
               .key = "1",
               .lsn = Lsn{10 + static_cast<std::uint64_t>(partition)},
               .position = 1,
               .content = &one});
  }
  EXPECT_EQ(view.misplaced(), 99U);
}

}  // namespace
}  // namespace walgate::mirror
