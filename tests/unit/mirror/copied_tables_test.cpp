#include "mirror/copied_tables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace walgate::mirror {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const QualifiedName item{"public", "item"};
const QualifiedName other{"public", "other"};

PublishedTable published(std::uint32_t oid, const std::string& ids) {
  PublishedTable table;
  table.oid = oid;
  table.entries["p"] = {.ids = ids, .operations = "insert", .columns = {}, .filter = {}};
  return table;
}

CopiedTable copied(std::uint32_t oid, const std::string& ids) {
  return {.oid = oid, .ids = ids, .snapshot = "10:12:", .horizon = Lsn{100}};
}

TEST(CopiedTables, WantThoseThatWereNotCopied) {
  const CopiedTables tables{{{item, copied(1, "5.6")}}, true};
  EXPECT_THAT(tables.wanted({{item, published(1, "5.6")}, {other, published(2, "5.7")}}), ElementsAre(other));
}

TEST(CopiedTables, WantNothingByThemselvesWhereThereAreNoCopies) {
  const CopiedTables tables{{}, false};
  EXPECT_THAT(tables.wanted({{item, published(1, "5.6")}}), IsEmpty());
  EXPECT_FALSE(tables.lacks(item, 1));
}

TEST(CopiedTables, WantWhatAPersonWants) {
  auto entry = copied(1, "5.6");
  entry.again = true;
  const CopiedTables tables{{{item, entry}}, false};
  EXPECT_THAT(tables.wanted({{item, published(1, "5.6")}}), ElementsAre(item));
  EXPECT_TRUE(tables.lacks(item, 1));
}

TEST(CopiedTables, WantAnotherTableOfTheSameName) {
  const CopiedTables tables{{{item, copied(1, "5.6")}}, true};
  EXPECT_THAT(tables.wanted({{item, published(2, "5.6")}}), ElementsAre(item));
  EXPECT_TRUE(tables.lacks(item, 2));
  EXPECT_FALSE(tables.lacks(item, 1));
}

TEST(CopiedTables, WantOneThatWasOutOfThePublications) {
  const CopiedTables tables{{{item, copied(1, "5.6 5.7")}}, true};
  EXPECT_THAT(tables.wanted({{item, published(1, "5.7 5.9")}}), IsEmpty()) << "one publication has had it all the time";
  EXPECT_THAT(tables.wanted({{item, published(1, "5.9")}}), ElementsAre(item));
  EXPECT_THAT(tables.wanted({{item, published(1, "5.66")}}), ElementsAre(item));
}

TEST(CopiedTables, KnowWhichHaveLeft) {
  const CopiedTables tables{{{item, copied(1, "5.6")}, {other, copied(2, "5.7")}}, true};
  EXPECT_THAT(tables.left({{item, published(1, "5.6")}}), ElementsAre(other));
}

TEST(CopiedTables, HoldWhatTheirSnapshotsSaw) {
  const CopiedTables tables{{{item, copied(1, "5.6")}, {other, CopiedTable{}}}, true};
  const auto seam = tables.seam();
  EXPECT_EQ(seam.last_horizon(), Lsn{100});
  wire::Relation relation;
  relation.schema = "public";
  relation.name = "item";
  EXPECT_TRUE(seam.holds(relation, {.xid = 9, .final_lsn = Lsn{90}, .end_lsn = Lsn{95}}));
  EXPECT_FALSE(seam.holds(relation, {.xid = 13, .final_lsn = Lsn{90}, .end_lsn = Lsn{95}}));
  EXPECT_FALSE(seam.holds(relation, {.xid = 9, .final_lsn = Lsn{100}, .end_lsn = Lsn{105}}));
}

TEST(CopiedTables, FillAGapOnceAllAreCopiedAfterIt) {
  const MirrorGap gap{Lsn{50}, Lsn{90}};
  const PublishedTables both{{item, published(1, "5.6")}, {other, published(2, "5.7")}};
  CopiedTables tables{{{item, copied(1, "5.6")}}, true};
  EXPECT_FALSE(tables.is_filled(gap, both));
  auto late = copied(2, "5.7");
  late.horizon = Lsn{80};
  tables.set(other, late);
  EXPECT_FALSE(tables.is_filled(gap, both));
  late.horizon = Lsn{90};
  tables.set(other, late);
  EXPECT_TRUE(tables.is_filled(gap, both));
}

}  // namespace
}  // namespace walgate::mirror
