#include "copy/table_job.hpp"

#include <gtest/gtest.h>

#include "catalog/plan_builder.hpp"

namespace walgate::copy {
namespace {

/// public.item (id, note, doc) → store.part (id, note), in two files.
struct Item {
  TableJob job;

  Item() {
    job.relation = test::relation({{"id", test::int4}, {"note", test::text}, {"doc", test::jsonb}});
    TableRule rule;
    std::string error;
    rule.source = *NamePattern::parse("public.item", error);
    rule.target = *NamePattern::parse("store.part", error);
    rule.columns = {{"doc", std::nullopt}};
    const std::vector<TableRule> rules{rule};
    const auto table = test::table({{"id", test::int4}, {"note", test::text}});
    auto [plan, differences] = plan_table(job.relation, map_table(rules, {"public", "item"}), &table, test::types());
    EXPECT_TRUE(differences.empty());
    job.plan = plan;
    job.passed_on = true;
    job.parts = {{.oid = 1, .name = {"public", "item_1"}, .file = 11, .blocks = 10},
                 {.oid = 2, .name = {"public", "item_2"}, .file = 12, .blocks = 3}};
  }
};

std::string text_of(const std::vector<Range>& ranges) {
  std::string text;
  for (const auto& range : ranges) {
    text += std::to_string(range.part->oid) + ":" + std::to_string(range.first_block) + "-" +
            std::to_string(range.end_block) + " ";
  }
  return text;
}

TEST(TableJob, CutsFilesIntoRanges) {
  Item item;
  EXPECT_EQ(text_of(item.job.missing_ranges(4)), "1:0-4 1:4-8 1:8-10 2:0-3 ");
  item.job.parts[1].blocks = 0;
  EXPECT_EQ(text_of(item.job.missing_ranges(100)), "1:0-10 ");
}

TEST(TableJob, LeavesOutWhatIsDone) {
  Item item;
  item.job.entry.done = {{1, 0, 4}, {1, 8, 10}, {2, 0, 2}};
  EXPECT_EQ(text_of(item.job.missing_ranges(4)), "1:4-8 2:2-3 ");
  item.job.parts[0].blocks = 9;  // the file has got shorter
  EXPECT_EQ(text_of(item.job.missing_ranges(4)), "1:4-8 2:2-3 ");
  item.job.parts[0].blocks = 12;
  EXPECT_EQ(text_of(item.job.missing_ranges(4)), "1:4-8 1:10-12 2:2-3 ");
}

TEST(TableJob, ReadsWhatTheTargetTakes) {
  Item item;
  item.job.filter = "id > 7";
  EXPECT_EQ(item.job.read_range({&item.job.parts[0], 4, 8}),
            R"(COPY (SELECT "id", "note" FROM ONLY "public"."item_1" WHERE ctid >= '(4,0)' AND ctid < '(8,0)')"
            R"( AND (id > 7)) TO STDOUT (FORMAT binary))");
  item.job.passed_on = false;  // then as the stream brings it, column by column
  item.job.relation.columns[1].format = wire::ValueFormat::text;
  EXPECT_EQ(
      item.job.read_all(),
      R"(COPY (SELECT "id", CASE WHEN "note" IS DISTINCT FROM NULL THEN pg_catalog.format('%s', "note") END, NULL)"
      R"( FROM ONLY "public"."item" WHERE (id > 7)) TO STDOUT (FORMAT binary))");
}

TEST(TableJob, GoesOnWhereThePartIsStillWorthSomething) {
  Item item;
  auto& entry = item.job.entry;
  EXPECT_FALSE(item.job.is_resumable()) << "nothing is done";
  entry.done = {{1, 0, 4}};
  entry.snapshot = "100:110:";
  entry.fingerprint = item.job.fingerprint();
  EXPECT_TRUE(item.job.is_resumable());
  item.job.parts[0].file = 13;
  EXPECT_FALSE(item.job.is_resumable()) << "the table was rewritten";
  item.job.parts[0].file = 11;
  item.job.filter = "id > 7";
  EXPECT_FALSE(item.job.is_resumable()) << "other rows are wanted";
}

TEST(TableJob, TellsOlderRowsFromNewerOnes) {
  Item item;
  item.job.entry.done = {{1, 0, 4}, {1, 4, 8}, {1, 9, 10}, {2, 0, 3}};
  const auto then = *Snapshot::parse("4294967396:4294967400:");  // 2^32 + 100
  EXPECT_EQ(item.job.read_kept_keys(item.job.parts[0], then),
            R"(COPY (SELECT "id" FROM ONLY "public"."item_1" WHERE ((ctid >= '(0,0)' AND ctid < '(8,0)') OR )"
            R"((ctid >= '(9,0)' AND ctid < '(10,0)')) AND ((100 - xmin::text::bigint) & 4294967295) BETWEEN 1 AND )"
            R"(2147483647) TO STDOUT (FORMAT binary))");
  EXPECT_EQ(item.job.delete_others(),
            R"(DELETE FROM ONLY "store"."part" AS t WHERE NOT EXISTS (SELECT FROM pg_temp.walgate_kept k WHERE )"
            R"(k."id" = t."id"))");
}

}  // namespace
}  // namespace walgate::copy
