// schema_versions_test.cpp - which change of a table's columns raises which number.

#include "mirror/schema_versions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "errors/error.hpp"

namespace walgate::mirror {
namespace {

using Columns = std::vector<SchemaColumn>;

SchemaColumn column(std::string name, std::string type = "text", std::uint16_t key = 0, std::int32_t typmod = -1) {
  return {.name = std::move(name), .type = std::move(type), .typmod = typmod, .key = key};
}

const SchemaColumn id = column("id", "int4", 1);
const SchemaColumn a = column("a");
const SchemaColumn b = column("b");

// The numbers that a table gets for one list of columns after the other.
std::vector<std::string> numbers(const std::vector<Columns>& history) {
  SchemaVersions versions;
  std::vector<std::string> all;
  for (const auto& columns : history) all.push_back(versions.of("public.item", columns, Lsn{1}).version.text());
  return all;
}

TEST(SchemaVersions, BeginWithOne) {
  SchemaVersions versions;
  const auto first = versions.of("public.item", {id, a}, Lsn{7});
  EXPECT_TRUE(first.is_new);
  EXPECT_EQ(first.version.text(), "1.0");
  EXPECT_EQ(first.version.lsn, Lsn{7});
  EXPECT_EQ(versions.of("public.other", {id}, Lsn{8}).version.text(), "1.0");
}

TEST(SchemaVersions, OfEqualColumnsAreTheSame) {
  SchemaVersions versions;
  static_cast<void>(versions.of("public.item", {id, a}, Lsn{7}));
  const auto again = versions.of("public.item", {id, a}, Lsn{9});
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(again.version.text(), "1.0");
  EXPECT_EQ(again.version.lsn, Lsn{7});
}

TEST(SchemaVersions, RaiseTheMinorNumberWhereColumnsAreAdded) {
  EXPECT_EQ(numbers({{id}, {id, a}, {id, a, b}}), (std::vector<std::string>{"1.0", "1.1", "1.2"}));
  EXPECT_EQ(numbers({{id, b}, {id, a, b}}), (std::vector<std::string>{"1.0", "1.1"}));
}

TEST(SchemaVersions, RaiseTheMajorNumberOtherwise) {
  const std::vector<std::string> major{"1.0", "2.0"};
  EXPECT_EQ(numbers({{id, a}, {id}}), major) << "a column left";
  EXPECT_EQ(numbers({{id, a}, {id, b}}), major) << "renamed";
  EXPECT_EQ(numbers({{id, a, b}, {id, b, a}}), major) << "another order";
  EXPECT_EQ(numbers({{id, a}, {id, column("a", "int8")}}), major) << "another type";
  EXPECT_EQ(numbers({{id, column("a", "varchar", 0, 14)}, {id, column("a", "varchar", 0, 24)}}), major) << "a length";
  EXPECT_EQ(numbers({{id, a}, {id, column("a", "text", 2)}}), major) << "joined the key";
  EXPECT_EQ(numbers({{id, a}, {column("id", "int4", 2), column("a", "text", 1)}}), major) << "order of the key";
  EXPECT_EQ(numbers({{id}, {id, column("a", "text", 2)}}), major) << "added to the key";
  EXPECT_EQ(numbers({{}, {id}}), major) << "added to the key of a table without columns";
}

TEST(SchemaVersions, GoOnFromTheHighestAfterColumnsOfBefore) {
  EXPECT_EQ(numbers({{id, a}, {id, a, b}, {id, a}, {id, a, b}}),
            (std::vector<std::string>{"1.0", "1.1", "1.0", "1.1"}));
  EXPECT_EQ(numbers({{id, a}, {id}, {id, a}, {id, b}}), (std::vector<std::string>{"1.0", "2.0", "1.0", "2.1"}));
}

TEST(SchemaVersions, AreWhatTheTopicSays) {
  SchemaVersions before;
  static_cast<void>(before.of("public.item", {id, a}, Lsn{0x15D68A0}));
  const auto second = before.of("public.item", {id, a, column("b", "shop.\"Colour\"")}, Lsn{0x15D69A0});
  const auto value = schema_value("public.item", second.version);
  EXPECT_EQ(schema_key("public.item", second.version), R"({"table":"public.item","version":"1.1"})");
  EXPECT_EQ(value,
            R"({"table":"public.item","version":"1.1","major":1,"minor":1,"lsn":"0/15D69A0","columns":[)"
            R"({"name":"id","type":"int4","typmod":-1,"key":1},{"name":"a","type":"text","typmod":-1,"key":null},)"
            R"({"name":"b","type":"shop.\"Colour\"","typmod":-1,"key":null}]})");
  SchemaVersions after;
  after.read(value);
  EXPECT_FALSE(after.of("public.item", second.version.columns, Lsn{9}).is_new);
  EXPECT_EQ(after.of("public.item", {id, a}, Lsn{9}).version.text(), "2.0") << "1.0 is unknown here";
  ASSERT_NE(after.find("public.item", "1.1"), nullptr);
  EXPECT_EQ(after.find("public.item", "1.1")->columns, second.version.columns);
  EXPECT_EQ(after.find("public.item", "1.7"), nullptr);
  EXPECT_EQ(after.find("public.other", "1.1"), nullptr);
}

TEST(SchemaVersions, RefuseARecordThatIsNone) {
  for (const auto* text : {"", "{}", "[]", R"({"table":"t","major":"1","minor":0,"lsn":"0/1","columns":[]})",
                           R"({"table":"t","major":1,"minor":0,"lsn":"here","columns":[]})",
                           R"({"table":"t","major":1,"minor":0,"lsn":"0/1","columns":[{"name":"a"}]})"}) {
    SchemaVersions versions;
    EXPECT_THROW(versions.read(text), Error) << text;
  }
}

TEST(SchemaVersions, NameTypesAsTheSourceDoes) {
  wire::Relation relation{.schema = "public", .name = "item"};
  relation.columns.push_back({.name = "id", .typmod = -1, .type_schema = "pg_catalog", .type_name = "int4"});
  relation.columns.push_back({.name = "colour", .typmod = 5, .type_schema = "shop", .type_name = "Colour"});
  const std::vector<std::uint16_t> key{1};
  EXPECT_EQ(schema_columns(relation, key), (Columns{column("id", "int4"), column("colour", "shop.\"Colour\"", 1, 5)}));
}

}  // namespace
}  // namespace walgate::mirror
