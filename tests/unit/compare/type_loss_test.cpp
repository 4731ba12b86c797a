#include "compare/type_loss.hpp"

#include <gtest/gtest.h>

#include "compare/description_builder.hpp"

namespace walgate::compare {
namespace {

using namespace test;

const auto smallint = type("smallint", 21);
const auto real = type("real", 700);
const auto double_precision = type("double precision", 701);
const auto any_numeric = type("numeric", 1700);
const auto date = type("date", 1082);
const auto timestamp = type("timestamp without time zone", 1114);
const auto timestamptz = type("timestamp with time zone", 1184);
const auto seconds = type("timestamp(0) without time zone", 1114, 0);
const auto uuid = type("uuid", 2950);

/// What would hold both, with "!" where values may become equal and "?" where only a person can convert; "" without
/// loss, "~" where values mean another thing.
std::string loss(const ColumnType& source, const ColumnType& target) {
  const auto found = type_loss(source, target);
  if (!found) return "";
  EXPECT_NE(found->text.find(source.text), std::string::npos);
  EXPECT_NE(found->text.find(target.text), std::string::npos);
  if (!found->narrower) return "~";
  return found->wider + (found->merges ? "!" : "") + (found->alters ? "" : "?");
}

TEST(TypeLoss, OfNumbers) {
  EXPECT_EQ(loss(integer, integer), "");
  EXPECT_EQ(loss(integer, bigint), "");
  EXPECT_EQ(loss(bigint, integer), "bigint");
  EXPECT_EQ(loss(integer, smallint), "integer");
  EXPECT_EQ(loss(integer, any_numeric), "");
  EXPECT_EQ(loss(integer, numeric(10, 0)), "");
  EXPECT_EQ(loss(integer, numeric(10, 2)), "numeric(12,2)");
  EXPECT_EQ(loss(numeric(12, 2), numeric(14, 4)), "");
  EXPECT_EQ(loss(numeric(12, 2), numeric(12, 4)), "numeric(14,4)");
  EXPECT_EQ(loss(numeric(12, 4), numeric(20, 2)), "numeric(22,4)!");
  EXPECT_EQ(loss(numeric(3, -2), numeric(5, 0)), "");
  EXPECT_EQ(loss(numeric(3, -2), numeric(4, 0)), "numeric(5,0)");
  EXPECT_EQ(loss(any_numeric, numeric(12, 4)), "numeric!");
  EXPECT_EQ(loss(numeric(12, 4), any_numeric), "");
  EXPECT_EQ(loss(numeric(12, 4), integer), "numeric(12,4)!");
  EXPECT_EQ(loss(double_precision, real), "double precision!");
  EXPECT_EQ(loss(real, double_precision), "");
  EXPECT_EQ(loss(double_precision, any_numeric), "double precision!") << "the cast keeps 15 digits";
  EXPECT_EQ(loss(integer, double_precision), "");
  EXPECT_EQ(loss(integer, real), "integer!");
  EXPECT_EQ(loss(bigint, double_precision), "bigint!");
}

TEST(TypeLoss, OfStrings) {
  EXPECT_EQ(loss(varchar(10), varchar(10)), "");
  EXPECT_EQ(loss(varchar(10), varchar(20)), "");
  EXPECT_EQ(loss(varchar(10), text), "");
  EXPECT_EQ(loss(varchar(20), varchar(10)), "character varying(20)");
  EXPECT_EQ(loss(text, varchar(10)), "text");
  EXPECT_EQ(loss(text, type("name", 19)), "text");
  EXPECT_EQ(loss(varchar(63), type("name", 19)), "");
  EXPECT_EQ(loss(uuid, varchar(36)), "");
  EXPECT_EQ(loss(uuid, varchar(30)), "text");
  EXPECT_EQ(loss(integer, varchar(11)), "");
  EXPECT_EQ(loss(bigint, varchar(11)), "text");
  EXPECT_EQ(loss(any_numeric, varchar(1000)), "text") << "nobody can tell";
  EXPECT_EQ(loss(enumeration("mood", {"ok", "sad"}), varchar(3)), "");
  EXPECT_EQ(loss(enumeration("mood", {"ok", "happy"}), varchar(3)), "text");
  EXPECT_EQ(loss(array_of(varchar(20)), array_of(varchar(10))), "character varying(20)[]");
  EXPECT_EQ(loss(array_of(uuid), array_of(varchar(10))), "text[]");
}

TEST(TypeLoss, OfTimes) {
  EXPECT_EQ(loss(timestamp, timestamp), "");
  EXPECT_EQ(loss(timestamp, seconds), "timestamp without time zone!");
  EXPECT_EQ(loss(seconds, timestamp), "");
  EXPECT_EQ(loss(timestamp, type("timestamp(6) without time zone", 1114, 6)), "");
  EXPECT_EQ(loss(timestamp, date), "timestamp without time zone!");
  EXPECT_EQ(loss(date, timestamp), "");
  EXPECT_EQ(loss(timestamp, timestamptz), "~");
  EXPECT_EQ(loss(timestamptz, timestamp), "~");
  EXPECT_EQ(loss(timestamptz, type("time without time zone", 1083)), "timestamp with time zone!?");
}

TEST(TypeLoss, OfOthers) {
  EXPECT_EQ(loss(type("bit(4)", 1560, 4), type("bit varying(3)", 1562, 3)), "bit(4)?");
  EXPECT_EQ(loss(type("bit(4)", 1560, 4), type("bit varying(4)", 1562, 4)), "");
  EXPECT_EQ(loss(type("json", 114), type("jsonb", 3802)), "~");
  EXPECT_EQ(loss(type("inet", 869), type("cidr", 650)), "inet!");
  EXPECT_EQ(loss(uuid, uuid), "");
  EXPECT_EQ(loss(enumeration("mood", {"a"}), enumeration("mood", {})), "") << "labels are told by themselves";
}

TEST(TypeLoss, LeavesDomainsToPeople) {
  auto short_name = varchar(10);
  short_name.text = "sales.short_name";
  EXPECT_EQ(loss(varchar(20), short_name), "?");
}

TEST(KeepsApart, WhatIsRefusedCannotCollideAndWhatIsRoundedCan) {
  EXPECT_TRUE(keeps_apart(integer, bigint));
  EXPECT_TRUE(keeps_apart(bigint, integer));
  EXPECT_TRUE(keeps_apart(text, varchar(3)));
  EXPECT_TRUE(keeps_apart(timestamptz, timestamp));
  EXPECT_FALSE(keeps_apart(timestamp, seconds));
  EXPECT_FALSE(keeps_apart(numeric(12, 4), numeric(12, 2)));
  EXPECT_FALSE(keeps_apart(text, type("character(3)", 1042, 7)));
  EXPECT_FALSE(keeps_apart(text, uuid));
  EXPECT_FALSE(keeps_apart(array_of(text), text));
  auto citext = type("public.citext", 16400);
  EXPECT_FALSE(keeps_apart(text, citext));
  EXPECT_TRUE(keeps_apart(citext, citext));
}

}  // namespace
}  // namespace walgate::compare
