// identifier_test.cpp - quoting and name patterns.

#include "catalog/identifier.hpp"

#include <gtest/gtest.h>

namespace walgate {
namespace {

NamePattern pattern(std::string_view text) {
  std::string error;
  auto parsed = NamePattern::parse(text, error);
  EXPECT_TRUE(parsed) << text << ": " << error;
  return parsed.value_or(NamePattern{});
}

std::string refusal(std::string_view text) {
  std::string error;
  return NamePattern::parse(text, error) ? "accepted" : error;
}

// What the name becomes under the rule `source` → `target`.
std::string mapped(std::string_view source, std::string_view target, const QualifiedName& name) {
  const auto match = pattern(source).match(name);
  return match ? pattern(target).fill(*match).display() : "no match";
}

TEST(QuoteIdentifier, DoublesQuotesAndNothingElse) {
  EXPECT_EQ(quote_identifier("orders"), R"("orders")");
  EXPECT_EQ(quote_identifier(R"(a"b)"), R"("a""b")");
  EXPECT_EQ(quote_identifier(R"(a\b.c'd)"), R"("a\b.c'd")");
  EXPECT_EQ(quote_identifier(""), R"("")");
}

TEST(DisplayIdentifier, QuotesOnlyWhereSqlNeedsIt) {
  EXPECT_EQ(display_identifier("orders_2$"), "orders_2$");
  EXPECT_EQ(display_identifier("_x"), "_x");
  EXPECT_EQ(display_identifier("Orders"), R"("Orders")");
  EXPECT_EQ(display_identifier("2nd"), R"("2nd")");
  EXPECT_EQ(display_identifier("$x"), R"("$x")");
  EXPECT_EQ(display_identifier("a b"), R"("a b")");
  EXPECT_EQ(display_identifier("größe"), R"("größe")");
  EXPECT_EQ(display_identifier(""), R"("")");
}

TEST(DisplayIdentifier, QuotesReservedWordsAndLeavesUnreservedOnes) {
  EXPECT_EQ(display_identifier("order"), R"("order")");
  EXPECT_EQ(display_identifier("user"), R"("user")");
  EXPECT_EQ(display_identifier("all"), R"("all")");
  EXPECT_EQ(display_identifier("xmltable"), R"("xmltable")");
  EXPECT_EQ(display_identifier("between"), R"("between")");
  EXPECT_EQ(display_identifier("json_table"), R"("json_table")");
  EXPECT_EQ(display_identifier("status"), "status");
  EXPECT_EQ(display_identifier("data"), "data");
}

TEST(QuoteLiteral, DoublesApostrophes) {
  EXPECT_EQ(quote_literal("it's"), "'it''s'");
  EXPECT_EQ(quote_literal(""), "''");
}

TEST(QuoteLiteral, EscapesBackslashesWhateverTheServersSettingIs) {
  EXPECT_EQ(quote_literal(R"(a\'b)"), R"(E'a\\''b')");
}

TEST(QuoteLiteral, MakesAListOfSeveral) {
  EXPECT_EQ(quote_literals({"a", "it's", R"(b\)"}), R"('a', 'it''s', E'b\\')");
  EXPECT_EQ(quote_literals({}), "");
}

TEST(QualifiedName, IsQuotedForSqlAndPlainForPeople) {
  const QualifiedName name{"shop", "Order"};
  EXPECT_EQ(name.quoted(), R"("shop"."Order")");
  EXPECT_EQ(name.display(), R"(shop."Order")");
}

TEST(NamePattern, FoldsUnquotedNames) {
  EXPECT_TRUE(pattern("Shop.ORDERS").match({"shop", "orders"}));
  EXPECT_FALSE(pattern("Shop.ORDERS").match({"Shop", "ORDERS"}));
}

TEST(NamePattern, KeepsTheCaseOfQuotedNames) {
  EXPECT_TRUE(pattern(R"("Shop"."ORDERS")").match({"Shop", "ORDERS"}));
  EXPECT_FALSE(pattern(R"("Shop"."ORDERS")").match({"shop", "orders"}));
}

TEST(NamePattern, DoesNotFoldLettersBeyondAscii) {
  EXPECT_TRUE(pattern("shop.GRÖSSE").match({"shop", "grÖsse"}));
  EXPECT_FALSE(pattern("shop.GRÖSSE").match({"shop", "grösse"}));
}

TEST(NamePattern, TakesDotsInsideQuotesAsLetters) {
  EXPECT_TRUE(pattern(R"("a.b"."c.d")").match({"a.b", "c.d"}));
  EXPECT_EQ(refusal(R"("a.b.c")"), "the schema is missing: write schema.table");
}

TEST(NamePattern, TakesStarsInsideQuotesAsLetters) {
  const NamePattern quoted = pattern(R"(shop."*")");
  EXPECT_FALSE(quoted.has_wildcard());
  EXPECT_TRUE(quoted.match({"shop", "*"}));
  EXPECT_FALSE(quoted.match({"shop", "orders"}));
}

TEST(NamePattern, ReadsDoubledQuotesAsOne) {
  EXPECT_TRUE(pattern(R"("a""b"."""")").match({R"(a"b)", R"(")"}));
}

TEST(NamePattern, StarStandsForAnyTextAlsoNone) {
  const NamePattern wide = pattern("shop.audit_*");
  EXPECT_TRUE(wide.has_wildcard());
  EXPECT_TRUE(wide.match({"shop", "audit_"}));
  EXPECT_TRUE(wide.match({"shop", "audit_Log.1"}));
  EXPECT_FALSE(wide.match({"shop", "audit"}));
  EXPECT_FALSE(wide.match({"shops", "audit_x"}));
}

TEST(NamePattern, DoesNotLetTheTwoSidesOfAStarOverlap) {
  EXPECT_FALSE(pattern("shop.aba*ba").match({"shop", "aba"}));
  EXPECT_TRUE(pattern("shop.aba*ba").match({"shop", "ababa"}));
}

TEST(NamePattern, TakesStarsInBothParts) {
  EXPECT_EQ(mapped("*.*", "copy_*.*_v2", {"shop", "orders"}), "copy_shop.orders_v2");
}

TEST(NamePattern, TakesQuotedAndUnquotedTextAroundAStar) {
  EXPECT_TRUE(pattern(R"(shop."Audit "*)").match({"shop", "Audit Log"}));
  EXPECT_TRUE(pattern(R"(shop.*" Log")").match({"shop", "Audit Log"}));
  EXPECT_TRUE(pattern("shop.orders_*2024").match({"shop", "orders_q1_2024"}));
}

TEST(NamePattern, FillsTheTargetWithWhatTheStarStoodFor) {
  EXPECT_EQ(mapped("requisition.*", "batch.batch_*", {"requisition", "requisitions"}), "batch.batch_requisitions");
  EXPECT_EQ(mapped("requisition.*", "batch.all_of_them", {"requisition", "x"}), "batch.all_of_them");
  EXPECT_EQ(mapped("requisition.*", "Batch.*", {"requisition", "Order Lines"}), R"(batch."Order Lines")");
  EXPECT_EQ(mapped("*.orders", "*.orders", {"other", "orders"}), "other.orders");
}

TEST(NamePattern, ATargetPartNeedsTheStarOfItsSource) {
  EXPECT_TRUE(pattern("b.c_*").can_fill_from(pattern("a.*")));
  EXPECT_TRUE(pattern("b.c").can_fill_from(pattern("a.*")));
  EXPECT_FALSE(pattern("b.c_*").can_fill_from(pattern("a.b")));
  EXPECT_FALSE(pattern("*.c").can_fill_from(pattern("a.*"))) << "a star of the other part does not count";
}

TEST(NamePattern, CoversWhatItMatchesWholly) {
  EXPECT_TRUE(pattern("a.b").covers(pattern("A.B")));
  EXPECT_TRUE(pattern("a.*").covers(pattern("a.b")));
  EXPECT_TRUE(pattern("a.*").covers(pattern("a.b*")));
  EXPECT_TRUE(pattern("*.*").covers(pattern("a.*_x")));
  EXPECT_TRUE(pattern("a.b*").covers(pattern("a.bc*")));
  EXPECT_FALSE(pattern("a.b*").covers(pattern("a.*")));
  EXPECT_FALSE(pattern("a.b").covers(pattern("a.b*")));
  EXPECT_FALSE(pattern("a.aba*ba").covers(pattern("a.aba")));
  EXPECT_FALSE(pattern("a.*").covers(pattern("b.*")));
}

TEST(NamePattern, RemembersWhatWasWritten) {
  EXPECT_EQ(pattern("Shop.*").text(), "Shop.*");
}

TEST(NamePattern, TakesNamesOf63BytesAndRefusesLongerOnes) {
  EXPECT_EQ(refusal("shop." + std::string(63, 'a')), "accepted");
  EXPECT_EQ(refusal("shop." + std::string(64, 'a')), "a name is longer than 63 bytes");
  std::string umlauts;
  for (int i = 0; i < 32; ++i) umlauts += "ä";
  EXPECT_EQ(refusal("shop." + umlauts), "a name is longer than 63 bytes") << "bytes, not characters";
}

TEST(NamePattern, RefusesWhatIsNoPattern) {
  EXPECT_EQ(refusal(""), "it is empty");
  EXPECT_EQ(refusal("orders"), "the schema is missing: write schema.table");
  EXPECT_EQ(refusal("*"), "the schema is missing: write schema.table");
  EXPECT_EQ(refusal("shop."), "a name is missing at the end");
  EXPECT_EQ(refusal(".orders"), "a name is missing before a dot");
  EXPECT_EQ(refusal("shop..orders"), "a name is missing before a dot");
  EXPECT_EQ(refusal("db.shop.orders"),
            "there are more than two parts: write schema.table, with double quotes around a name that has a dot");
  EXPECT_EQ(refusal("shop.a*b*"), "a part may hold only one \"*\"");
  EXPECT_EQ(refusal("shop.**"), "a part may hold only one \"*\"");
  EXPECT_EQ(refusal("shop.order-lines"), "the sign - needs double quotes");
  EXPECT_EQ(refusal("shop.order lines"), "white space needs double quotes");
  EXPECT_EQ(refusal(" shop.orders"), "white space needs double quotes");
  EXPECT_EQ(refusal("shop.2nd"), "a name that starts with a digit or a dollar sign needs double quotes");
  EXPECT_EQ(refusal(R"(shop."orders)"), "a double quote is not closed");
  EXPECT_EQ(refusal(R"(shop."")"), "there is nothing between two double quotes");
  EXPECT_EQ(refusal(R"(shop.a"b")"), "a double quote must open at the start of a name or next to the \"*\"");
}

}  // namespace
}  // namespace walgate
