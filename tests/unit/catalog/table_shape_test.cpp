#include "catalog/table_shape.hpp"

#include <gtest/gtest.h>

#include "catalog/plan_builder.hpp"

namespace walgate {
namespace {

using test::int4;
using test::text;

/// A relation whose columns are numbered: {number, name, type}.
struct Numbered {
  std::uint16_t number;
  std::string name;
  std::uint32_t type = int4;
};

wire::Relation relation(const std::vector<Numbered>& columns) {
  std::vector<std::pair<std::string, std::uint32_t>> plain;
  for (const auto& column : columns) plain.emplace_back(column.name, column.type);
  auto made = test::relation(plain);
  for (std::size_t i = 0; i < columns.size(); ++i) made.columns[i].number = columns[i].number;
  return made;
}

TargetTable table(const std::vector<Numbered>& columns) {
  std::vector<std::pair<std::string, std::uint32_t>> plain;
  for (const auto& column : columns) plain.emplace_back(column.name, column.type);
  auto made = test::table(plain);
  for (std::size_t i = 0; i < columns.size(); ++i) made.columns[i].number = columns[i].number;
  return made;
}

TableMapping mapping_of(const TableRule& rule) {
  return {QualifiedName{"store", "part"}, &rule};
}

TableShape seen(const wire::Relation& source, const TargetTable& target, const TableRule& rule) {
  const auto plan = plan_table(source, mapping_of(rule), &target, test::types()).first;
  return shape_of(source, plan, target);
}

std::string text_of_change(const TableShape& before, const wire::Relation& now, const TargetTable& target,
                           const TableRule& rule) {
  const auto change = compare_shape(before, now, mapping_of(rule), target);
  std::string out;
  for (const auto& difference : change.differences) {
    out += std::string{text_of(difference.name)} + " " + difference.object + "\n";
  }
  for (const auto& column : change.left_over) out += "left over " + column + "\n";
  return out;
}

/// item (id, a, b) on both sides; then the source has `now` and the target `target`.
std::string after(const std::vector<Numbered>& now, const std::vector<Numbered>& target,
                  const TableRule& rule = test::rule()) {
  const std::vector<Numbered> before{{1, "id"}, {2, "a"}, {3, "b"}};
  return text_of_change(seen(relation(before), table(before), rule), relation(now), table(target), rule);
}

const std::vector<Numbered> unchanged{{1, "id"}, {2, "a"}, {3, "b"}};

TEST(TableShape, SaysNothingWhereNothingChanged) {
  EXPECT_EQ(after(unchanged, unchanged), "");
}

TEST(TableShape, SaysNothingOfAColumnThatWasAdded) {
  EXPECT_EQ(after({{1, "id"}, {2, "a"}, {3, "b"}, {4, "c"}}, unchanged), "");
}

TEST(TableShape, KnowsARenamedColumnByItsNumber) {
  const std::vector<Numbered> now{{1, "id"}, {2, "z"}, {3, "b"}};
  EXPECT_EQ(after(now, unchanged), "column_renamed public.item.z\n");
  EXPECT_EQ(after(now, {{1, "id"}, {2, "z"}, {3, "b"}}), "");
}

TEST(TableShape, AsksAboutARenamedColumnWhoseNewNameTheTargetHasToo) {
  EXPECT_EQ(after({{1, "id"}, {2, "z"}, {3, "b"}}, {{1, "id"}, {2, "a"}, {3, "b"}, {4, "z"}}),
            "column_renamed public.item.z\n");
}

TEST(TableShape, AsksAboutNamesThatChangedPlaces) {
  const std::vector<Numbered> now{{1, "id"}, {2, "b"}, {3, "a"}};
  EXPECT_EQ(after(now, unchanged), "column_renamed public.item.b\ncolumn_renamed public.item.a\n");
  EXPECT_EQ(after(now, now), "");
}

TEST(TableShape, FollowsARenamedColumnThatTheConfigurationMaps) {
  auto rule = test::rule();
  rule.columns = {{"z", "a"}};
  EXPECT_EQ(after({{1, "id"}, {2, "z"}, {3, "b"}}, unchanged, rule), "");
}

TEST(TableShape, WaitsForADroppedColumnUnlessToldOtherwise) {
  const std::vector<Numbered> now{{1, "id"}, {2, "a"}};
  EXPECT_EQ(after(now, unchanged), "column_dropped public.item.b\n");
  EXPECT_EQ(after(now, now), "");
  auto rule = test::rule();
  rule.on_dropped_column = OnColumn::ignore;
  EXPECT_EQ(after(now, unchanged, rule), "left over store.part.b\n");
}

TEST(TableShape, NeverTakesAVanishedColumnAndANewOneForDropAndAdd) {
  auto rule = test::rule();
  rule.on_dropped_column = rule.on_extra_column = OnColumn::ignore;
  EXPECT_EQ(after({{1, "id"}, {2, "a"}, {4, "c"}}, unchanged, rule), "column_renamed public.item.b\n");
}

TEST(TableShape, KnowsAColumnThatWasAddedAgainOnEitherSide) {
  const std::vector<Numbered> now{{1, "id"}, {2, "a"}, {4, "b"}};
  EXPECT_EQ(after(now, unchanged), "column_recreated public.item.b\n");
  EXPECT_EQ(after(now, {{1, "id"}, {2, "a"}, {7, "b"}}), "");
}

TEST(TableShape, WaitsForATypeThatTheTargetFollowed) {
  const std::vector<Numbered> now{{1, "id"}, {2, "a"}, {3, "b", text}};
  EXPECT_EQ(after(now, unchanged), "column_altered public.item.b\n");
  EXPECT_EQ(after(now, now), "");
}

TEST(TableShape, LeavesTypesAloneThatDifferedBefore) {
  const auto rule = test::rule();
  const auto target = table({{1, "id"}, {2, "a", text}});
  const auto before = seen(relation({{1, "id"}, {2, "a"}}), target, rule);
  EXPECT_EQ(text_of_change(before, relation({{1, "id"}, {2, "a", test::jsonb}}), target, rule), "");
}

TEST(TableShape, SaysNothingOfColumnsThatAreLeftOut) {
  auto rule = test::rule();
  rule.columns = {{"b", std::nullopt}};
  EXPECT_EQ(after({{1, "id"}, {2, "a"}}, {{1, "id"}, {2, "a"}}, rule), "");
}

TEST(TableShape, SaysNothingWhereTheTargetHasAnotherTable) {
  const auto rule = test::rule();
  const auto before = seen(relation(unchanged), table(unchanged), rule);
  auto other = table(unchanged);
  other.oid = 17001;
  EXPECT_EQ(text_of_change(before, relation({{1, "id"}, {2, "z"}}), other, rule), "");
}

/// item (id, a, b) on both sides; then the source has `now` and the target `target`.
bool alike(const std::vector<Numbered>& now, const std::vector<Numbered>& target,
           const TableRule& rule = test::rule()) {
  const auto before = seen(relation(unchanged), table(unchanged), rule);
  return is_altered_alike(before, relation(now), mapping_of(rule), table(target));
}

TEST(TableShape, TakesATargetThatWasAlteredAsTheSourceForAnAnswer) {
  EXPECT_TRUE(alike({{1, "id"}, {2, "a", text}, {3, "b"}}, {{1, "id"}, {2, "a", text}, {3, "b"}}));
  EXPECT_TRUE(alike({{1, "id"}, {2, "a"}, {3, "b"}, {4, "c"}}, {{1, "id"}, {2, "a"}, {3, "b"}, {7, "c"}}));
  EXPECT_TRUE(alike({{1, "id"}, {2, "z"}, {3, "b"}}, {{1, "id"}, {2, "z"}, {3, "b"}}));
}

TEST(TableShape, TakesNothingForAnAnswerThatLeavesAColumnOut) {
  EXPECT_FALSE(alike(unchanged, unchanged));
  EXPECT_FALSE(alike(unchanged, {{1, "id"}, {2, "a"}, {3, "b"}, {4, "c"}})) << "it has to do with something else";
  EXPECT_FALSE(alike({{1, "id"}, {2, "a", text}, {3, "b"}, {4, "c"}}, {{1, "id"}, {2, "a"}, {3, "b"}, {7, "c"}}));
  EXPECT_FALSE(alike({{1, "id"}, {2, "a"}, {3, "b"}, {4, "c"}}, unchanged)) << "a column that the target leaves out";
  const std::vector<Numbered> one{{1, "id"}, {2, "a"}, {3, "b"}, {4, "c"}};
  const std::vector<Numbered> two{{1, "id"}, {2, "a"}, {3, "b"}, {4, "c"}, {5, "d"}};
  EXPECT_FALSE(alike(two, one)) << "one of two columns";
  auto rule = test::rule();
  rule.on_extra_column = OnColumn::ignore;
  EXPECT_TRUE(alike(two, one, rule)) << "nobody wants the other";
}

TEST(TableShape, TakesWhatTheTargetHadBeforeForNoAnswer) {
  const std::vector<Numbered> more{{1, "id"}, {2, "a"}, {3, "b"}, {4, "c"}};
  const auto before = seen(relation(unchanged), table(more), test::rule());
  EXPECT_FALSE(is_altered_alike(before, relation(more), mapping_of(test::rule()), table(more)));
  const auto later = on_target(seen(relation(unchanged), table(unchanged), test::rule()), table(more));
  EXPECT_FALSE(is_altered_alike(later, relation(more), mapping_of(test::rule()), table(more)));
  const std::vector<Numbered> wider{{1, "id"}, {2, "a", text}, {3, "b"}};
  const auto widened = on_target(seen(relation(unchanged), table(unchanged), test::rule()), table(wider));
  EXPECT_FALSE(is_altered_alike(widened, relation(wider), mapping_of(test::rule()), table(wider)));
  EXPECT_EQ(text_of_change(widened, relation(wider), table(wider), test::rule()), "") << "it had that type before";
}

}  // namespace
}  // namespace walgate
