#include "compare/expression.hpp"

#include <gtest/gtest.h>

#include <map>

namespace walgate::compare {
namespace {

TEST(ConstantOf, TakesLiteralsWithTheCastsThatTheServerPrints) {
  const std::map<std::string, std::string> constants{
      {"'new'::text", "new"},
      {"'new'::public.state", "new"},
      {"'new'::\"My Schema\".\"St::ate\"", "new"},
      {"'it''s'::character varying", "it's"},
      {"''::text", ""},
      {"'{}'::text[]", "{}"},
      {"'{\"a\": \"b::c\"}'::jsonb", "{\"a\": \"b::c\"}"},
      {"'2026-01-01 00:00:00+00'::timestamp with time zone", "2026-01-01 00:00:00+00"},
      {"0", "0"},
      {"12.50", "12.50"},
      {"'-1'::integer", "-1"},
      {"(0)::bigint", "0"},
      {"('-1'::integer)::numeric", "-1"},
      {"(-1)", "-1"},
      {"(1.5)::double precision", "1.5"},
      {"true", "true"},
      {"false", "false"},
  };
  for (const auto& [expression, value] : constants) EXPECT_EQ(constant_of(expression), value) << expression;
}

TEST(ConstantOf, TakesNothingThatIsComputedOrCut) {
  for (const auto* expression :
       {"now()", "nextval('public.item_id_seq'::regclass)", "('now'::text)::date", "(1 + 1)", "'a'::text || 'b'::text",
        "'abcdef'::character varying(3)", "(2.7)::integer", "(1.25)::numeric(10,1)", "CURRENT_TIMESTAMP", "NULL::text",
        "NULL", "", "lower('A'::text)", "('a'::text)::public.citext", "ARRAY[1, 2]", "'1'::text::", "1a", "1.", "-"}) {
    EXPECT_EQ(constant_of(expression), std::nullopt) << expression;
  }
}

TEST(IsNull, KnowsItWithACast) {
  EXPECT_TRUE(is_null("NULL"));
  EXPECT_TRUE(is_null("NULL::character varying"));
  EXPECT_FALSE(is_null("'NULL'::text"));
}

std::optional<std::string> rename(std::string_view expression) {
  const std::map<std::string, std::optional<std::string>> columns{
      {"state", "status"}, {"body", "My body"}, {"Odd \"name\"", "plain"}, {"draft", std::nullopt}, {"id", "id"}};
  return renamed(
      expression, [&](const std::string& name) { return columns.contains(name); },
      [&](const std::string& name) { return columns.at(name); });
}

TEST(Renamed, RenamesColumnsAndNothingElse) {
  EXPECT_EQ(rename("CHECK ((state <> 'state'::text))"), "CHECK ((status <> 'state'::text))");
  EXPECT_EQ(rename("((state)::text = ANY (ARRAY['a'::text, 'it''s state'::text]))"),
            "((status)::text = ANY (ARRAY['a'::text, 'it''s state'::text]))");
  EXPECT_EQ(rename("lower(body)"), "lower(\"My body\")");
  EXPECT_EQ(rename("\"Odd \"\"name\"\"\" > 1"), "plain > 1");
  EXPECT_EQ(rename("state(id) AND public.state(id) AND ('a'::state) IS NOT NULL AND state.x"),
            "state(id) AND public.state(id) AND ('a'::state) IS NOT NULL AND state.x");
  EXPECT_EQ(rename("states1 + id2 + id"), "states1 + id2 + id");
}

TEST(Renamed, GivesUpWhereAColumnIsLeftOut) {
  EXPECT_EQ(rename("(id > 0) AND (draft > 0)"), std::nullopt);
}

}  // namespace
}  // namespace walgate::compare
