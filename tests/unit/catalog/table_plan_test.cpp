#include "catalog/table_plan.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "catalog/plan_builder.hpp"

namespace walgate {
namespace {

using test::int4;
using test::jsonb;
using test::relation;
using test::rule;
using test::table;
using test::text;
using test::types;

TableMapping mapping_of(const TableRule& made) {
  return {QualifiedName{"store", "part"}, &made};
}

TablePlan plan_of(const wire::Relation& source, const TableRule& made, const TargetTable& target) {
  auto [plan, differences] = plan_table(source, mapping_of(made), &target, types());
  for (const auto& difference : differences) ADD_FAILURE() << difference.object << ": " << difference.text;
  return plan;
}

/// "name object", a line for each difference.
std::string differences_of(const wire::Relation& source, const TableRule& made, const TargetTable* target) {
  std::string lines;
  for (const auto& difference : plan_table(source, mapping_of(made), target, types()).second) {
    lines += fmt::format("{} {}\n", text_of(difference.name), difference.object);
  }
  return lines;
}

TEST(TablePlan, WritesAnInsertOfAllMappedColumns) {
  const auto made = rule();
  const auto plan = plan_of(relation({{"id", int4}, {"name", text}}), made, table({{"id", int4}, {"name", text}}));
  EXPECT_EQ(plan.insert().sql, R"(INSERT INTO "store"."part" AS t ("id", "name") VALUES ($1, $2))");
  EXPECT_EQ(plan.insert().types, (std::vector<std::uint32_t>{int4, text}));
}

TEST(TablePlan, ComparesKeysOfADomainAsItsBase) {
  const auto made = rule();
  auto target = table({{"id", int4}, {"name", text}});
  target.columns[0].type_oid = 20000;
  target.columns[0].type_name = "public.moody";
  target.columns[0].base_name = "integer";
  const auto plan = plan_of(relation({{"id", int4}, {"name", text}}), made, target);
  EXPECT_EQ(plan.delete_row().sql, R"(DELETE FROM ONLY "store"."part" WHERE "id"::integer = $1::integer)");
  EXPECT_EQ(plan.delete_set()->sql,
            R"(DELETE FROM ONLY "store"."part" AS t USING unnest($1) AS u(c0) WHERE t."id"::integer = u.c0::integer)");
}

TEST(TablePlan, FollowsRenamedAndLeftOutColumns) {
  auto made = rule();
  made.columns = {{"name", "label"}, {"draft", std::nullopt}};
  const auto plan =
      plan_of(relation({{"id", int4}, {"draft", text}, {"name", text}}), made, table({{"label", text}, {"id", int4}}));
  EXPECT_EQ(plan.insert().sql, R"(INSERT INTO "store"."part" AS t ("id", "label") VALUES ($1, $2))");
  EXPECT_EQ(plan.columns[1].source, 2);
}

TEST(TablePlan, KeepsAKeyThatDidNotChangeOutOfSet) {
  const auto made = rule();
  const auto plan = plan_of(relation({{"id", int4}, {"a", text}, {"b", text}}), made,
                            table({{"id", int4}, {"a", text}, {"b", text}}));
  EXPECT_EQ(plan.update({false, false, false}, false).sql,
            R"(UPDATE ONLY "store"."part" SET "a" = $1, "b" = $2 WHERE "id" = $3)");
  EXPECT_EQ(plan.update({false, true, false}, false).sql, R"(UPDATE ONLY "store"."part" SET "b" = $1 WHERE "id" = $2)");
  const auto moving = plan.update({false, true, false}, true);
  EXPECT_EQ(moving.sql, R"(UPDATE ONLY "store"."part" SET "id" = $1, "b" = $2 WHERE "id" = $3)");
  EXPECT_FALSE(moving.parameters[0].old_image);
  EXPECT_TRUE(moving.parameters[2].old_image);
}

TEST(TablePlan, AnUpdateOfAKeyOnlyTableStillFindsItsRow) {
  const auto made = rule();
  const auto plan = plan_of(relation({{"id", int4}}), made, table({{"id", int4}}));
  EXPECT_EQ(plan.update({false}, false).sql, R"(SELECT 1 FROM ONLY "store"."part" WHERE "id" = $1 FOR UPDATE)");
}

TEST(TablePlan, DeletesByAllKeyColumns) {
  const auto made = rule();
  const auto plan = plan_of(relation({{"id", int4}, {"name", text}, {"no", int4}}, {"id", "no"}), made,
                            table({{"id", int4}, {"name", text}, {"no", int4}}, {"no", "id"}));
  EXPECT_EQ(plan.delete_row().sql, R"(DELETE FROM ONLY "store"."part" WHERE "id" = $1 AND "no" = $2)");
  EXPECT_EQ(plan.columns[2].source_key, 1);
  EXPECT_EQ(plan.key_names(), "id, no");
}

TEST(TablePlan, ComparesKeysWithTheOperatorOfTheIndex) {
  const auto made = rule();
  auto target = table({{"id", int4}, {"name", text}});
  target.keys[0].equality = {"OPERATOR(public.=)"};
  EXPECT_EQ(plan_of(relation({{"id", int4}, {"name", text}}), made, target).delete_row().sql,
            R"(DELETE FROM ONLY "store"."part" WHERE "id" OPERATOR(public.=) $1)");
}

TEST(TablePlan, WritesManyRowsInOneStatement) {
  const auto made = rule();
  const auto plan = plan_of(relation({{"id", int4}, {"name", text}}), made, table({{"id", int4}, {"name", text}}));
  EXPECT_EQ(plan.insert_set()->sql,
            R"(INSERT INTO "store"."part" AS t ("id", "name") SELECT u.c0, u.c1 FROM unnest($1, $2) AS u(c0, c1))");
  EXPECT_EQ(plan.insert_set()->types, (std::vector<std::uint32_t>{1007, 1009}));
  EXPECT_EQ(plan.delete_set()->sql,
            R"(DELETE FROM ONLY "store"."part" AS t USING unnest($1) AS u(c0) WHERE t."id" = u.c0)");
}

TEST(TablePlan, SendsNoArrayOfAColumnThatIsOneItself) {
  const auto made = rule();
  auto known = types();
  known.array_types.erase(jsonb);
  const auto target = table({{"id", int4}, {"tags", jsonb}});
  const auto plan = plan_table(relation({{"id", int4}, {"tags", jsonb}}), mapping_of(made), &target, known).first;
  EXPECT_FALSE(plan.insert_set());
  EXPECT_TRUE(plan.delete_set());
}

TEST(TablePlan, CastsWhereTheConfigurationAsks) {
  auto made = rule();
  made.cast = {{"name", "varchar(10)"}};
  auto known = types();
  known.cast_types = {{"varchar(10)", "character varying"}};
  const auto target = table({{"id", int4}, {"name", jsonb}});
  const auto [plan, differences] =
      plan_table(relation({{"id", int4}, {"name", text}}), mapping_of(made), &target, known);
  EXPECT_TRUE(differences.empty());
  EXPECT_EQ(plan.insert().sql, R"(INSERT INTO "store"."part" AS t ("id", "name") VALUES ($1, $2::character varying))");
}

TEST(TablePlan, OverridesIdentityColumnsAndNeverSetsThem) {
  const auto made = rule();
  auto target = table({{"id", int4}, {"no", int4}});
  target.columns[1].identity_always = true;
  const auto plan = plan_of(relation({{"id", int4}, {"no", int4}}), made, target);
  EXPECT_EQ(plan.insert().sql,
            R"(INSERT INTO "store"."part" AS t ("id", "no") OVERRIDING SYSTEM VALUE VALUES ($1, $2))");
  EXPECT_EQ(plan.update({false, false}, false).sql,
            R"(SELECT 1 FROM ONLY "store"."part" WHERE "id" = $1 AND "no" IS NOT DISTINCT FROM $2 FOR UPDATE)");
}

TEST(TablePlan, MovesAnIdentityKeyByDeletingAndInserting) {
  const auto made = rule();
  auto target = table({{"id", int4}, {"name", text}});
  target.columns[0].identity_always = true;
  const auto plan = plan_of(relation({{"id", int4}, {"name", text}}), made, target);
  EXPECT_EQ(plan.update({false, false}, false).sql, R"(UPDATE ONLY "store"."part" SET "name" = $1 WHERE "id" = $2)");
  EXPECT_EQ(
      plan.update({false, true}, true).sql,
      R"(WITH gone AS (DELETE FROM ONLY "store"."part" WHERE "id" = $2 RETURNING *) INSERT INTO "store"."part" ("id", "name") )"
      R"(OVERRIDING SYSTEM VALUE SELECT $1, gone."name" FROM gone)");
}

TEST(TablePlan, ComparesAGeneratedKeyAndNeverWritesIt) {
  const auto made = rule();
  auto target = table({{"id", int4}, {"code", text}, {"a", text}}, {"id", "code"});
  target.columns[1].generated = true;
  const auto plan = plan_of(relation({{"id", int4}, {"code", text}, {"a", text}}, {"id", "code"}), made, target);
  EXPECT_EQ(plan.insert().sql, R"(INSERT INTO "store"."part" AS t ("id", "a") VALUES ($1, $2))");
  EXPECT_EQ(plan.update({false, false, false}, true).sql,
            R"(UPDATE ONLY "store"."part" SET "id" = $1, "a" = $2 WHERE "id" = $3 AND "code" = $4)");
}

TEST(TablePlan, FindsARowWithoutAKeyByAllItsValues) {
  const auto made = rule();
  const auto plan =
      plan_of(relation({{"id", int4}, {"name", text}}, {}, 'f'), made, table({{"id", int4}, {"name", text}}, {}));
  EXPECT_FALSE(plan.has_key);
  EXPECT_TRUE(plan.by_image);
  EXPECT_EQ(plan.delete_by_image().sql,
            R"(WITH one AS (SELECT t.tableoid AS o, t.ctid AS c FROM ONLY "store"."part" AS t )"
            R"(WHERE pg_catalog.record_image_eq(ROW(t."id", t."name"), ROW(($1)::integer, ($2)::text)) LIMIT 1) )"
            R"(DELETE FROM ONLY "store"."part" AS t USING one WHERE t.tableoid = one.o AND t.ctid = one.c)");
}

TEST(TablePlan, ReportsWhatTheTargetLacks) {
  const auto made = rule();
  EXPECT_EQ(differences_of(relation({{"id", int4}}), made, nullptr), "target_table_missing public.item\n");
  const auto narrow = table({{"id", int4}});
  EXPECT_EQ(differences_of(relation({{"id", int4}, {"name", text}}), made, &narrow),
            "target_column_missing public.item.name\n");
}

TEST(TablePlan, ReportsColumnsThatNothingFills) {
  const auto made = rule();
  auto target = table({{"id", int4}, {"owner", text}});
  target.columns[1].not_null = true;
  EXPECT_EQ(differences_of(relation({{"id", int4}}), made, &target), "required_column_unfilled store.part.owner\n");
  target.columns[1].has_default = true;
  EXPECT_EQ(differences_of(relation({{"id", int4}}), made, &target), "");
}

TEST(TablePlan, ReportsTypesThatNeedACast) {
  const auto made = rule();
  const auto numbers = table({{"id", int4}, {"name", int4}});
  EXPECT_EQ(differences_of(relation({{"id", int4}, {"name", text}}), made, &numbers),
            "incompatible_type store.part.name\n");
  const auto texts = table({{"id", int4}, {"name", text}});
  EXPECT_EQ(differences_of(relation({{"id", int4}, {"name", int4}}), made, &texts), "");  // any type goes into text
}

TEST(TablePlan, ReportsACastToATypeThatIsNotThere) {
  auto made = rule();
  made.cast = {{"name", "nonsense"}};
  const auto target = table({{"id", int4}, {"name", text}});
  EXPECT_EQ(differences_of(relation({{"id", int4}, {"name", text}}), made, &target),
            "incompatible_type store.part.name\n");
}

TEST(TablePlan, ReportsAKeyWithoutUniqueIndex) {
  const auto made = rule();
  const auto keyless = table({{"id", int4}}, {});
  EXPECT_EQ(differences_of(relation({{"id", int4}}), made, &keyless), "key_missing_on_target store.part\n");
  EXPECT_EQ(differences_of(relation({{"id", int4}}, {}), made, &keyless), "");  // the source identifies nothing either
}

TEST(TablePlan, ReportsAKeyColumnThatIsLeftOut) {
  auto made = rule();
  made.columns = {{"id", std::nullopt}};
  const auto target = table({{"name", text}}, {});
  EXPECT_EQ(differences_of(relation({{"id", int4}, {"name", text}}), made, &target),
            "key_missing_on_target public.item.id\n");
}

TEST(TablePlan, ReportsNamesOfARuleThatAreNotThere) {
  auto made = rule();
  made.columns = {{"nmae", "name"}};
  made.cast = {{"labell", "text"}};
  const auto target = table({{"id", int4}});
  std::string names;
  for (const auto& difference : check_names_of_rule(relation({{"id", int4}}), mapping_of(made), target)) {
    names += std::string{text_of(difference.name)} + " " + difference.object + "\n";
  }
  EXPECT_EQ(names, "source_column_missing public.item.nmae\ntarget_column_missing store.part.labell\n");
}

TEST(TablePlan, FindsRowsByTheTargetsKeyWhenTheSourceSendsAllOldValues) {
  const auto made = rule();
  const auto plan =
      plan_of(relation({{"name", text}, {"id", int4}}, {}, 'f'), made, table({{"id", int4}, {"name", text}}));
  EXPECT_TRUE(plan.has_key);
  EXPECT_EQ(plan.delete_row().sql, R"(DELETE FROM ONLY "store"."part" WHERE "id" = $1)");
}

TEST(TablePlan, InsertsMaySkipOrOverwriteADuplicate) {
  auto made = rule();
  made.on_duplicate = OnDuplicate::skip;
  const auto target = table({{"id", int4}, {"name", text}});
  EXPECT_EQ(plan_of(relation({{"id", int4}, {"name", text}}), made, target).insert().sql,
            R"(INSERT INTO "store"."part" AS t ("id", "name") VALUES ($1, $2) ON CONFLICT ("id") DO NOTHING)");
  made.on_duplicate = OnDuplicate::overwrite;
  EXPECT_EQ(
      plan_of(relation({{"id", int4}, {"name", text}}), made, target).insert().sql,
      R"(INSERT INTO "store"."part" AS t ("id", "name") VALUES ($1, $2) ON CONFLICT ("id") DO UPDATE SET "name" = EXCLUDED."name")");
}

TEST(TablePlan, LeavesOutAnExtraColumnWhereThatIsWanted) {
  auto made = rule();
  made.on_extra_column = OnColumn::ignore;
  const auto plan = plan_of(relation({{"id", int4}, {"more", text}}), made, table({{"id", int4}}));
  EXPECT_EQ(plan.ignored_columns, std::vector<std::string>{"more"});
  EXPECT_EQ(plan.columns.size(), 1U);
  const auto without_key = table({{"name", text}}, {});
  EXPECT_EQ(differences_of(relation({{"id", int4}, {"name", text}}), made, &without_key),
            "target_column_missing public.item.id\n");
}

TEST(TablePlan, FillsColumnsByTheNamesThatTheyWillHave) {
  const auto made = rule();
  auto before = relation({{"id", int4}, {"a", text}, {"gone", text}, {"b", text}});
  auto later = relation({{"id", int4}, {"b", text}, {"a", text}});
  const auto number = [](wire::Relation& of, std::vector<std::uint16_t> numbers) {
    for (std::size_t i = 0; i < numbers.size(); ++i) of.columns[i].number = numbers[i];
  };
  number(before, {1, 2, 3, 4});
  number(later, {1, 2, 4});  // a and b have changed names
  const auto target = table({{"id", int4}, {"a", text}, {"b", text}});
  auto [plan, differences] = plan_table(before, mapping_of(made), &target, types(), &later);
  EXPECT_TRUE(differences.empty());
  ASSERT_EQ(plan.columns.size(), 3U);
  EXPECT_EQ(plan.columns[1].source, 1);
  EXPECT_EQ(plan.columns[1].target, "b");
  EXPECT_EQ(plan.columns[2].source, 3);
  EXPECT_EQ(plan.columns[2].target, "a");
}

}  // namespace
}  // namespace walgate
