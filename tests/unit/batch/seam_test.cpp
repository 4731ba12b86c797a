#include "batch/seam.hpp"

#include <gtest/gtest.h>

namespace walgate {
namespace {

Snapshot snapshot(std::string_view text) {
  return Snapshot::parse(text).value();
}

TEST(Snapshot, SeesWhatHadEnded) {
  const auto taken = snapshot("100:110:103,105");
  EXPECT_TRUE(taken.sees(99));
  EXPECT_TRUE(taken.sees(102));
  EXPECT_FALSE(taken.sees(103));
  EXPECT_TRUE(taken.sees(104));
  EXPECT_FALSE(taken.sees(105));
  EXPECT_TRUE(taken.sees(109));
  EXPECT_FALSE(taken.sees(110));
  EXPECT_FALSE(taken.sees(111));
  EXPECT_EQ(taken.xmin(), 100U);
}

TEST(Snapshot, FollowsNumbersAroundTheirEnd) {
  // 2^33 + 5: the stream's numbers have 32 bits.
  const auto taken = snapshot("8589934590:8589934597:8589934591,8589934593");
  EXPECT_TRUE(taken.sees(4'294'967'290));
  EXPECT_TRUE(taken.sees(4'294'967'294));
  EXPECT_FALSE(taken.sees(4'294'967'295));
  EXPECT_FALSE(taken.sees(1));
  EXPECT_TRUE(taken.sees(4));
  EXPECT_FALSE(taken.sees(5));
}

TEST(Snapshot, TakesNothingElse) {
  for (const auto* text : {"", "1", "1:2", "a:2:", "1:b:", "1:2:x", "1:2:3,", "1:2:3:4", "1:2:3 4"}) {
    const auto parsed = Snapshot::parse(text);
    EXPECT_TRUE(!parsed || std::string_view{text} == "1:2:3,") << text;
  }
  EXPECT_TRUE(snapshot("7:7:").sees(6));
}

wire::Relation relation(std::string name, std::uint32_t serial = 0) {
  wire::Relation relation;
  relation.serial = serial;
  relation.schema = "public";
  relation.name = std::move(name);
  return relation;
}

wire::Begin transaction(std::uint32_t xid, std::uint64_t end) {
  wire::Begin begin;
  begin.xid = xid;
  begin.end_lsn = Lsn{end};
  return begin;
}

TEST(Seam, LeavesOutWhatTheSnapshotSaw) {
  Seam seam;
  seam.add({"public", "item"}, snapshot("100:110:103"), Lsn{500});
  EXPECT_TRUE(seam.holds(relation("item"), transaction(99, 300)));
  EXPECT_TRUE(seam.holds(relation("item"), transaction(109, 500)));
  EXPECT_FALSE(seam.holds(relation("item"), transaction(103, 300))) << "it was running";
  EXPECT_FALSE(seam.holds(relation("item"), transaction(120, 400))) << "it came later";
  EXPECT_FALSE(seam.holds(relation("item"), transaction(99, 501))) << "beyond the horizon numbers may come again";
  EXPECT_FALSE(seam.holds(relation("other", 1), transaction(99, 300)));
}

TEST(Seam, KnowsWhatIsLacking) {
  Seam seam;
  seam.add({"public", "item"});
  seam.await({"public", "late"});
  seam.leave_out({"public", "gone"});
  EXPECT_TRUE(seam.leaves_out({"public", "gone"}));
  EXPECT_FALSE(seam.leaves_out({"public", "item"}));
  EXPECT_FALSE(seam.lacks({"public", "other"}));
  EXPECT_TRUE(seam.lacks({"public", "late"}));
  seam.close();
  EXPECT_FALSE(seam.lacks({"public", "item"}));
  EXPECT_TRUE(seam.lacks({"public", "other"}));
}

}  // namespace
}  // namespace walgate
