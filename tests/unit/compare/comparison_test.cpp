#include "compare/comparison.hpp"

#include <gtest/gtest.h>

#include "compare/description_builder.hpp"

namespace walgate::compare {
namespace {

using namespace test;

/// Two tables that agree.
Sides equal() {
  Sides sides;
  sides.both("id", integer, true);
  sides.both("name", text);
  sides.source.indexes = sides.target.indexes = {primary({"id"})};
  return sides;
}

TEST(Comparison, HasNothingToTellOfEqualTables) {
  EXPECT_EQ(equal().told(), "");
}

TEST(Comparison, FollowsTheMapping) {
  auto sides = equal();
  sides.rule.columns = {{"name", "title"}, {"draft", std::nullopt}};
  sides.source.columns.push_back(column("draft", text));
  sides.target.columns[1].name = "title";
  sides.source.indexes.push_back(unique("u", {"name"}));
  sides.target.indexes.push_back(unique("u", {"title"}));
  sides.source.constraints = {check("c", "CHECK ((name <> ''::text))")};
  sides.target.constraints = {check("c", "CHECK ((title <> ''::text))")};
  EXPECT_EQ(sides.told(), "");
}

TEST(Comparison, TellsOfTheRuleThatSendsTheTableThere) {
  auto sides = equal();
  sides.target.columns[1].refuses_null = true;
  EXPECT_EQ(sides.observations().at(0).finding.path, "tables[0]");
}

TEST(CompareColumns, TellsOfANarrowerTypeUnlessItIsAskedFor) {
  auto sides = equal();
  sides.target.columns[1].type = varchar(10);
  EXPECT_EQ(sides.told(),
            "warning type_differs store.part.name: text on the source, character varying(10) on the target: the target "
            "does not hold every value\n"
            "> ALTER TABLE store.part ALTER COLUMN name TYPE text\n");
  sides.rule.cast = {{"name", "varchar(10)"}};
  EXPECT_EQ(sides.told(), "");
}

TEST(CompareColumns, TellsOfLabelsThatTheTargetLacks) {
  auto sides = equal();
  sides.both("mood", enumeration("mood", {"ok", "it's"})).type.labels = {"it's"};
  EXPECT_EQ(sides.told(),
            "warning enum_label_missing type sales.mood: the source's sales.mood has labels that the type lacks: 'ok'\n"
            "> ALTER TYPE sales.mood ADD VALUE IF NOT EXISTS 'ok' BEFORE 'it''s'\n");
  sides.target.columns.back().type.labels = {"ok"};
  EXPECT_NE(sides.told().find("ADD VALUE IF NOT EXISTS 'it''s' AFTER 'ok'"), std::string::npos);
  sides.target.columns.back().type.labels = {"new", "it's", "ok"};
  EXPECT_EQ(sides.told(), "");
}

TEST(CompareColumns, TellsOfNotNullThatOnlyTheTargetHas) {
  auto sides = equal();
  sides.target.columns[1].refuses_null = true;
  EXPECT_EQ(sides.told(),
            "warning not_null_only_on_target store.part.name: the column is NOT NULL, and the source's is not\n"
            "? ALTER TABLE store.part ALTER COLUMN name DROP NOT NULL\n");
  sides.source.columns[1].refuses_null = true;
  EXPECT_NE(sides.told().find("NOT VALID"), std::string::npos) << "older rows of the source may be null";
  sides.source.columns[1].not_null = true;
  EXPECT_EQ(sides.told(), "");
  sides.target.columns[1].refuses_null = false;
  EXPECT_EQ(sides.told(), "") << "the target may be looser";
}

TEST(CompareColumns, TellsOfDefaultsThatDifferOncePerTable) {
  auto sides = equal();
  sides.source.columns[1].default_value = "'a'::text";
  sides.both("n", integer).default_value = "5";
  EXPECT_EQ(sides.told(),
            "info default_differs store.part: defaults differ: name ('a'::text on the source, none on the target); n "
            "(none on the source, 5 on the target)\n");
}

TEST(CompareColumns, KnowsDefaultsThatAreWrittenInTwoWays) {
  auto sides = equal();
  const std::vector<std::pair<std::string, std::string>> same{{"'a'::text", "'a'::character varying"},
                                                              {"0", "(0)::bigint"},
                                                              {"now()", "CURRENT_TIMESTAMP"},
                                                              {"NULL::text", ""},
                                                              {"nextval('a'::regclass)", ""}};
  for (const auto& [source, target] : same) {
    sides.source.columns[1].default_value = source;
    sides.target.columns[1].default_value = target.empty() ? std::nullopt : std::optional{target};
    EXPECT_EQ(sides.told(), "") << source;
  }
}

TEST(CompareColumns, WarnsOfADefaultThatOlderRowsGotWithoutAChange) {
  auto sides = equal();
  sides.source.columns[1].default_value = "'a'::text";
  sides.source.columns[1].missing = "a";
  EXPECT_EQ(sides.told().substr(0, 4), "info") << "the target's column is as old as its table, and its rows came later";
  sides.target.columns[1].added = true;
  EXPECT_EQ(
      sides.told(),
      "warning default_differs store.part.name: the source added the column to rows that were there, which got its "
      "default without a change in the stream; the defaults are 'a'::text on the source, none on the target\n"
      "? ALTER TABLE store.part ALTER COLUMN name SET DEFAULT 'a'::text\n");
  sides.target.columns[1].default_value = "'a'::text";
  EXPECT_EQ(sides.told(), "");
  // Equal defaults are not enough where each side computes its own value.
  sides.source.columns[1].default_value = sides.target.columns[1].default_value = "now()";
  sides.target.columns[1].missing = "b";
  EXPECT_NE(sides.told().find("got another value"), std::string::npos);
  sides.target.columns[1].missing = "a";
  EXPECT_EQ(sides.told(), "");
}

TEST(CompareColumns, ShowsNoEndlessDefaults) {
  auto sides = equal();
  sides.source.columns[1].default_value = "'" + std::string(55, 'x') + "äääääää'::text";
  const auto told = sides.told();
  EXPECT_NE(told.find("xää…"), std::string::npos) << told;
}

TEST(CompareColumns, ComparesWhatBothSidesCompute) {
  auto sides = equal();
  auto& target = sides.both("twice", integer);
  auto& source = sides.source.columns.back();
  source.generated = 's';
  source.default_value = "(id * 2)";
  EXPECT_NE(sides.told().find("the target does not compute it"), std::string::npos);
  target.generated = 'v';
  target.default_value = "(id * 3)";
  EXPECT_EQ(
      sides.told(),
      "warning generated_column_differs store.part.twice: the source computes the column by (id * 2), the target by "
      "(id * 3)\n");
  target.default_value = "(part_id * 2)";
  sides.target.columns[0].name = "part_id";
  sides.rule.columns = {{"id", "part_id"}};
  sides.source.indexes.clear();
  sides.target.indexes.clear();
  EXPECT_EQ(sides.told(), "");
  sides.source.columns.pop_back();
  EXPECT_EQ(sides.told(), "") << "a column that only the target computes is the target's own affair";
}

TEST(CompareColumns, TellsOfColumnsThatNothingFills) {
  auto sides = equal();
  sides.target.columns.push_back(column("Idle", text));
  sides.target.columns.push_back(column("filled", text));
  sides.target.columns.back().default_value = "'x'::text";
  sides.target.columns.push_back(column("required", text, true));  // an error of the plan
  sides.target.columns.push_back(column("numbered", integer, true));
  sides.target.columns.back().identity = 'd';
  EXPECT_EQ(sides.told(),
            "info column_only_on_target store.part: nothing fills these columns, which stay null: \"Idle\"\n"
            "? ALTER TABLE store.part DROP COLUMN \"Idle\"\n");
}

TEST(CompareColumns, TellsOfDomainsThatOnlyTheTargetHas) {
  auto sides = equal();
  sides.target.columns[1].type.text = "store.short";
  sides.target.columns[1].type.named = {"store", "short"};
  sides.target.columns[1].type.domain_checks = {"CHECK ((length(VALUE) < 5))"};
  EXPECT_NE(sides.told().find("info constraint_only_on_target store.part.name: its domain store.short"),
            std::string::npos);
  sides.source.columns[1].type.domain_checks = {"CHECK ((length(VALUE) < 5))"};
  EXPECT_EQ(sides.told(), "");
}

// Unique keys

TEST(CompareUniqueKeys, TellsOfWhatTheSourceDoesNotGuarantee) {
  auto sides = equal();
  sides.target.indexes.push_back(unique("part_name", {"name"}));
  EXPECT_EQ(
      sides.told(),
      "warning unique_only_on_target store.part: unique index part_name over (name): the source may send rows that "
      "collide in it\n"
      "? DROP INDEX store.part_name\n");
  sides.target.indexes.back().constraint = "part_name";
  EXPECT_NE(sides.told().find("? ALTER TABLE store.part DROP CONSTRAINT part_name"), std::string::npos);
}

TEST(CompareUniqueKeys, FewerColumnsOfTheSourceGuaranteeMoreOfTheTarget) {
  auto sides = equal();
  sides.target.indexes.push_back(unique("u", {"name", "id"}));
  EXPECT_EQ(sides.told(), "");
  sides.source.indexes = {unique("u", {"id", "name"})};
  sides.target.indexes = {unique("u", {"id"})};
  EXPECT_NE(sides.told(), "");
}

TEST(CompareUniqueKeys, OnlyAValidUniqueIndexOfTheWholeTableGuarantees) {
  auto sides = equal();
  sides.target.indexes.push_back(unique("u", {"name"}));
  for (const auto spoil :
       {+[](IndexDescription& index) { index.valid = false; }, +[](IndexDescription& index) { index.unique = false; },
        +[](IndexDescription& index) { index.predicate = "(id > 0)"; }}) {
    sides.source.indexes = {primary({"id"}), unique("u", {"name"})};
    EXPECT_EQ(sides.told(), "");
    spoil(sides.source.indexes.back());
    EXPECT_NE(sides.told(), "");
  }
  sides.target.indexes.back().predicate = "(id > 0)";
  EXPECT_EQ(sides.told(), "") << "the same part of the table";
}

TEST(CompareUniqueKeys, AnIndexThatIsCheckedAtTheEndIsNotEnoughForOneThatIsCheckedAtOnce) {
  auto sides = equal();
  sides.source.indexes.push_back(unique("u", {"name"}));
  sides.source.indexes.back().immediate = false;
  sides.target.indexes.push_back(unique("u", {"name"}));
  EXPECT_NE(sides.told().find("may collide for a moment"), std::string::npos);
  sides.target.indexes.back().immediate = false;
  EXPECT_EQ(sides.told(), "");
}

TEST(CompareUniqueKeys, ADeferrableKeyIsNotCheckedUnderReplicaRole) {
  auto sides = equal();
  sides.target.indexes.push_back(unique("u", {"name"}));
  sides.target.indexes.back().immediate = false;
  EXPECT_NE(sides.told(), "");
  sides.constraints_act = false;
  EXPECT_EQ(sides.told(), "");
}

TEST(CompareUniqueKeys, ValuesThatBecomeEqualCollide) {
  auto sides = equal();
  sides.source.indexes.push_back(unique("u", {"name"}));
  sides.target.indexes.push_back(unique("u", {"name"}));
  sides.target.indexes.back().columns[0].deterministic = false;
  EXPECT_NE(sides.told(), "");
  sides.target.indexes.back().columns[0].deterministic = true;
  sides.rule.cast = {{"name", "text"}};
  EXPECT_NE(sides.told(), "") << "a cast may do anything";
}

TEST(CompareUniqueKeys, NullsCollideWhereTheyAreNotDistinct) {
  auto sides = equal();
  sides.source.indexes.push_back(unique("u", {"name"}));
  sides.target.indexes.push_back(unique("u", {"name"}));
  sides.target.indexes.back().nulls_not_distinct = true;
  EXPECT_NE(sides.told(), "");
  sides.source.columns[1].not_null = true;
  EXPECT_EQ(sides.told(), "");
}

TEST(CompareUniqueKeys, ExpressionsAreComparedByTheirText) {
  auto sides = equal();
  sides.source.indexes.push_back(unique("u", {""}));
  sides.target.indexes.push_back(unique("u", {""}));
  EXPECT_EQ(sides.told(), "");
  sides.target.indexes.back().columns[0].expression = "upper(name)";
  EXPECT_NE(sides.told(), "");
}

TEST(CompareUniqueKeys, KeysThatTheTargetCountsByItselfDoNotCollide) {
  auto sides = equal();
  sides.target.columns.push_back(column("own", integer, true));
  sides.target.columns.back().default_value = "nextval('store.own_seq'::regclass)";
  sides.target.indexes.push_back(unique("u", {"own"}));
  EXPECT_EQ(sides.told(), "");
  sides.target.columns.back().default_value = "5";
  EXPECT_NE(sides.told(), "");
}

TEST(CompareUniqueKeys, WithoutOverlapsWantsMoreThanUnique) {
  auto sides = equal();
  sides.both("valid", type("daterange", 3912), true);
  auto temporal = unique("u", {"name", "valid"});
  temporal.period = true;
  sides.target.indexes.push_back(temporal);
  sides.source.indexes.push_back(unique("u", {"name", "valid"}));
  EXPECT_NE(sides.told(), "") << "ranges that differ may overlap";
  sides.source.indexes.back() = temporal;
  EXPECT_EQ(sides.told(), "");
  sides.source.indexes.back() = unique("u", {"name"});
  EXPECT_EQ(sides.told(), "");
  sides.target.indexes.back() = unique("u", {"name", "valid"});
  sides.source.indexes.back() = temporal;
  EXPECT_EQ(sides.told(), "") << "what does not overlap differs";
}

// Constraints

TEST(CompareConstraints, TellsOfChecksThatOnlyTheTargetHas) {
  auto sides = equal();
  sides.target.constraints = {check("part_check", "CHECK ((id > 0)) NOT VALID")};
  EXPECT_EQ(
      sides.told(),
      "info constraint_only_on_target store.part: the source has no constraint like part_check: CHECK ((id > 0)) NOT "
      "VALID\n");
  sides.source.constraints = {check("another_name", "CHECK ((id > 0)) NO INHERIT")};
  EXPECT_EQ(sides.told(), "");
  sides.source.constraints[0].validated = false;
  EXPECT_NE(sides.told(), "") << "older rows of the source may violate it";
  sides.target.constraints[0].enforced = false;
  EXPECT_EQ(sides.told(), "");
}

TEST(CompareConstraints, TellsOfForeignKeysThatAreCheckedAndThatTheSourceHasNot) {
  auto sides = equal();
  sides.target.constraints = {reference("id", {"store", "parent"})};
  EXPECT_NE(sides.told().find("constraint_only_on_target"), std::string::npos);
  sides.source.constraints = {reference("id", {"sales", "parent"})};
  EXPECT_EQ(sides.told(), "");
  sides.source.constraints[0].enforced = false;
  EXPECT_NE(sides.told(), "");
  sides.constraints_act = false;
  EXPECT_EQ(sides.told(), "");
}

// Indexes

TEST(FindMissingIndexes, TellsOfForeignKeysWithoutAnIndex) {
  auto sides = equal();
  sides.source.constraints = {reference("name", {"sales", "parent"})};
  sides.target.constraints = {reference("name", {"store", "parent"})};
  EXPECT_EQ(
      sides.told(),
      "warning foreign_key_without_index store.part: no index over (name), by which foreign key name_fkey finds the "
      "rows that refer to store.parent: each delete there, and each update of its key, reads the whole table\n"
      "> CREATE INDEX ON store.part (name)\n");
  sides.constraints_act = false;
  EXPECT_EQ(sides.told().substr(0, 4), "info");
  sides.target.indexes.push_back(plain({"name", "id"}));
  EXPECT_EQ(sides.told(), "");
  sides.target.indexes.back() = plain({"id", "name"});
  EXPECT_NE(sides.told(), "");
  sides.target.indexes.back() = plain({"name"});
  sides.target.indexes.back().predicate = "(name IS NOT NULL)";
  EXPECT_EQ(sides.told(), "");
  sides.target.indexes.back().predicate = "(id > 5)";
  EXPECT_NE(sides.told(), "");
  sides.target.indexes.back() = plain({"name"});
  sides.target.indexes.back().method = "brin";
  EXPECT_NE(sides.told(), "");
}

TEST(FindMissingIndexes, ParentsThatWeDoNotChangeAreInformation) {
  auto sides = equal();
  sides.target.constraints = {reference("name", {"store", "stranger"})};
  EXPECT_NE(sides.told().find("info foreign_key_without_index"), std::string::npos);
}

TEST(FindMissingIndexes, TellsOfAFullIdentityWithoutAPrimaryKey) {
  auto sides = equal();
  sides.identity = 'f';
  EXPECT_EQ(sides.told(), "");
  sides.target.indexes.clear();
  EXPECT_EQ(sides.told(),
            "warning apply_key_without_index store.part: the source's replica identity is FULL, and the target has no "
            "primary key over columns that the stream brings: each update and delete reads the whole table\n"
            "> ALTER TABLE store.part ADD PRIMARY KEY (id)\n");
  sides.source.indexes.clear();
  EXPECT_NE(sides.observations().at(0).finding.remedy.find("give both sides a primary key"), std::string::npos);
  sides.source.rows_change = false;
  EXPECT_EQ(sides.told(), "") << "nothing is updated or deleted";
  sides.source.rows_change = true;
  sides.identity = 'n';
  EXPECT_EQ(sides.told(), "");
}

}  // namespace
}  // namespace walgate::compare
