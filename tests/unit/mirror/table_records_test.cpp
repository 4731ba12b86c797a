// table_records_test.cpp - which records a change becomes.  The forms of values are held against Debezium in
// tests/kafka.

#include "mirror/table_records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "errors/error.hpp"
#include "mirror/record_schema.hpp"
#include "wire/frame_builder.hpp"
#include "wire/reader.hpp"

namespace walgate::mirror {
namespace {

using test::Field;
using test::tuple;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint32_t text_oid = 25;

wire::Relation relation(std::vector<std::string> names, std::size_t keys, char identity = 'd') {
  wire::Relation made{.replica_identity = identity, .schema = "public", .name = "item"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    made.columns.push_back({.name = names[i],
                            .is_key = identity != 'f' && i < keys,
                            .type_oid = text_oid,
                            .base_oid = text_oid,
                            .type_name = "text"});
  }
  made.key_columns = static_cast<std::uint16_t>(identity == 'f' ? 0 : keys);
  return made;
}

RecordOptions options(RecordFormat format = RecordFormat::debezium, bool with_schema = false) {
  return {.format = format,
          .codec = {.with_schema = with_schema},
          .pipeline = "shop",
          .database = "db",
          .version = "1.0.0"};
}

const ChangeContext context{.transaction = {.xid = 7, .final_lsn = Lsn{1000}, .end_lsn = Lsn{1100}, .commit_time = 0},
                            .previous_commit = Lsn{900},
                            .order = 3,
                            .order_in_table = 2,
                            .now = 1'234'567};

// A record in short: "u (1) {before} -> {after}", without what is the same everywhere.
std::string line(const Record& record) {
  const auto key = record.has_key ? nlohmann::json::parse(record.key).dump() : "-";
  if (record.is_tombstone) return key + " tombstone";
  const auto value = nlohmann::json::parse(record.value);
  if (!value.contains("before")) return key + " " + value.dump();
  return key + " " + value["op"].get<std::string>() + " " + value["before"].dump() + " -> " + value["after"].dump();
}

std::vector<std::string> lines(std::span<const Record> records) {
  std::vector<std::string> all;
  for (const auto& record : records) all.push_back(line(record));
  return all;
}

class Table {
 public:
  explicit Table(wire::Relation description, RecordOptions chosen = options(),
                 std::optional<std::vector<std::uint16_t>> key = {})
      : relation_{std::move(description)},
        options_{std::move(chosen)},
        records_{relation_, key ? *key : identity_columns(relation_), options_, types_, text_} {}

  std::vector<std::string> insert(const std::string& row) { return change(wire::RecordKind::insert, 0, {}, row); }
  std::vector<std::string> update(std::uint8_t flags, const std::string& old_row, const std::string& row,
                                  std::vector<wire::Value> complete = {}) {
    return change(wire::RecordKind::update, flags, old_row, row, std::move(complete));
  }
  std::vector<std::string> remove(std::uint8_t flags, const std::string& old_row) {
    return change(wire::RecordKind::delete_, flags, old_row, {});
  }
  TableRecords& records() { return records_; }

 private:
  std::vector<std::string> change(wire::RecordKind kind, std::uint8_t flags, const std::string& old_row,
                                  const std::string& row, std::vector<wire::Value> complete = {}) {
    return lines(records_.of_change(
        {.kind = kind, .flags = flags, .relation = &relation_, .old_tuple = old_row, .new_tuple = row}, context,
        complete));
  }

  wire::Relation relation_;
  RecordOptions options_;
  SourceTypes types_;
  SourceText text_{"UTF8"};
  TableRecords records_;
};

TEST(TableRecords, OfAnInsertIsOneRecordWithItsKey) {
  EXPECT_THAT(Table{relation({"id", "name"}, 1)}.insert(tuple({"1", std::nullopt})),
              ElementsAre(R"({"id":"1"} c null -> {"id":"1","name":null})"));
}

TEST(TableRecords, OfAnUpdateHaveTheOldRowWhereItIsKnown) {
  EXPECT_THAT(Table{relation({"id", "name"}, 1)}.update(0, "", tuple({"1", "x"})),
              ElementsAre(R"({"id":"1"} u null -> {"id":"1","name":"x"})"));
  Table full{relation({"id", "name"}, 0, 'f'), options(), std::vector<std::uint16_t>{0}};
  EXPECT_THAT(full.update(wire::old_full, tuple({"1", "a"}), tuple({"1", "b"})),
              ElementsAre(R"({"id":"1"} u {"id":"1","name":"a"} -> {"id":"1","name":"b"})"));
}

TEST(TableRecords, OfAChangedKeyEndTheOldOneFirst) {
  EXPECT_THAT(Table{relation({"id", "name"}, 1)}.update(wire::old_key, tuple({"1"}), tuple({"2", "x"})),
              ElementsAre(R"({"id":"1"} d {"id":"1","name":null} -> null)", R"({"id":"1"} tombstone)",
                          R"({"id":"2"} c null -> {"id":"2","name":"x"})"));
  Table full{relation({"id", "name"}, 0, 'f'), options(), std::vector<std::uint16_t>{0}};
  EXPECT_THAT(full.update(wire::old_full, tuple({"1", "a"}), tuple({"2", "a"})),
              ElementsAre(R"({"id":"1"} d {"id":"1","name":"a"} -> null)", R"({"id":"1"} tombstone)",
                          R"({"id":"2"} c null -> {"id":"2","name":"a"})"));
}

TEST(TableRecords, OfAKeyThatIsOnlyToldAgainAreAnUpdate) {
  EXPECT_THAT(Table{relation({"id", "name"}, 1)}.update(wire::old_key, tuple({"1"}), tuple({"1", "x"})),
              ElementsAre(R"({"id":"1"} u {"id":"1","name":null} -> {"id":"1","name":"x"})"));
}

TEST(TableRecords, OfADeleteAreTheDeleteAndATombstone) {
  EXPECT_THAT(Table{relation({"id", "name"}, 1)}.remove(wire::old_key, tuple({"1"})),
              ElementsAre(R"({"id":"1"} d {"id":"1","name":null} -> null)", R"({"id":"1"} tombstone)"));
  auto without = options();
  without.with_tombstones = false;
  EXPECT_THAT((Table{relation({"id"}, 1), without}.remove(wire::old_key, tuple({"1"}))),
              ElementsAre(R"({"id":"1"} d {"id":"1"} -> null)"));
}

TEST(TableRecords, OfARowThatLeavesTheFilterAreADelete) {
  EXPECT_THAT(Table{relation({"id", "name"}, 1)}.update(wire::old_key | wire::no_new_tuple, tuple({"1"}), ""),
              ElementsAre(R"({"id":"1"} d {"id":"1","name":null} -> null)", R"({"id":"1"} tombstone)"));
}

TEST(TableRecords, OfATableWithoutAKeyHaveNone) {
  Table table{relation({"a"}, 0, 'f')};
  EXPECT_THAT(table.insert(tuple({"1"})), ElementsAre(R"(- c null -> {"a":"1"})"));
  EXPECT_THAT(table.update(wire::old_full, tuple({"1"}), tuple({"2"})), ElementsAre(R"(- u {"a":"1"} -> {"a":"2"})"));
  EXPECT_THAT(table.remove(wire::old_full, tuple({"2"})), ElementsAre(R"(- d {"a":"2"} -> null)"));
}

TEST(TableRecords, HaveTheKeyInItsConfiguredOrder) {
  Table table{relation({"a", "b", "c"}, 3), options(), std::vector<std::uint16_t>{2, 0}};
  const auto row = tuple({"1", "2", "3"});
  const wire::Relation same = relation({"a", "b", "c"}, 3);
  const auto records =
      table.records().of_change({.kind = wire::RecordKind::insert, .relation = &same, .new_tuple = row}, context);
  EXPECT_EQ(records[0].key, R"({"c":"3","a":"1"})");
}

TEST(TableRecords, SayWhichValuesTheWalDoesNotHold) {
  Table table{relation({"id", "name"}, 1)};
  EXPECT_THAT(table.update(0, "", tuple({"1", Field::unchanged_toast()})),
              ElementsAre(R"({"id":"1"} u null -> {"id":"1","name":"__debezium_unavailable_value"})"));
  EXPECT_THAT(table.records().unavailable(), ElementsAre(1));
  EXPECT_THAT(table.update(0, "", tuple({"1", "x"})), ElementsAre(HasSubstr(R"("name":"x")")));
  EXPECT_TRUE(table.records().unavailable().empty());
}

TEST(TableRecords, AreCompletedFromTheOldRowOrFromElsewhere) {
  Table full{relation({"id", "name"}, 0, 'f'), options(), std::vector<std::uint16_t>{0}};
  EXPECT_THAT(full.update(wire::old_full, tuple({"1", "long"}), tuple({"1", Field::unchanged_toast()})),
              ElementsAre(R"({"id":"1"} u {"id":"1","name":"long"} -> {"id":"1","name":"long"})"));
  Table table{relation({"id", "name"}, 1)};
  EXPECT_THAT(table.update(0, "", tuple({"1", Field::unchanged_toast()}), {{"1", 1}, {"long", 4}}),
              ElementsAre(R"({"id":"1"} u null -> {"id":"1","name":"long"})"));
  EXPECT_TRUE(table.records().unavailable().empty());
  EXPECT_THAT(table.update(wire::old_key, tuple({"key"}), tuple({Field::unchanged_toast(), "x"})),
              ElementsAre(R"({"id":"key"} u {"id":"key","name":null} -> {"id":"key","name":"x"})"));
}

TEST(TableRecords, OfACopyAndOfATruncateHaveOperationsOfTheirOwn) {
  Table table{relation({"id", "name"}, 1)};
  EXPECT_THAT(lines(table.records().of_row(tuple({"1", "x"}), context)),
              ElementsAre(R"({"id":"1"} r null -> {"id":"1","name":"x"})"));
  const auto row = tuple({"1", "x"});
  const auto read = nlohmann::json::parse(table.records().of_row(row, context)[0].value);
  EXPECT_EQ(read["source"]["snapshot"], "true");
  EXPECT_THAT(lines(table.records().of_truncate(context)), ElementsAre("- t null -> null"));
}

TEST(TableRecords, OfAKeyThatIsGoneAreADeleteAndATombstone) {
  Table table{relation({"id", "name"}, 1)};
  EXPECT_THAT(lines(table.records().of_gone(R"({"id":"1"})", context)),
              ElementsAre(R"({"id":"1"} d {"id":"1","name":null} -> null)", R"({"id":"1"} tombstone)"));
  EXPECT_TRUE(table.records().of_gone("nonsense", context).empty());
}

TEST(TableRecords, SayWhereTheyComeFrom) {
  Table table{relation({"id"}, 1)};
  const auto row = tuple({"1"});
  const wire::Relation same = relation({"id"}, 1);
  const auto records =
      table.records().of_change({.kind = wire::RecordKind::insert, .relation = &same, .new_tuple = row}, context);
  EXPECT_EQ(nlohmann::json::parse(records[0].value), nlohmann::json::parse(R"({"before":null,"after":{"id":"1"},
      "source":{"version":"1.0.0","connector":"postgresql","name":"shop","ts_ms":946684800000,"snapshot":"false","db":"db",
                "sequence":"[\"900\",\"1000\"]","ts_us":946684800000000,"ts_ns":946684800000000000,"schema":"public","table":"item",
                "txId":7,"lsn":1000,"xmin":null,"origin":null,"origin_lsn":null},
      "transaction":null,"op":"c","ts_ms":1234,"ts_us":1234567,"ts_ns":1234567000})"));
}

TEST(TableRecords, CountThemselvesInTheirTransaction) {
  auto counting = options();
  counting.with_transaction_block = true;
  Table table{relation({"id"}, 1), counting};
  const auto old_row = tuple({"1"});
  const auto row = tuple({"2"});
  const wire::Relation same = relation({"id"}, 1);
  const auto records = table.records().of_change({.kind = wire::RecordKind::update,
                                                  .flags = wire::old_key,
                                                  .relation = &same,
                                                  .old_tuple = old_row,
                                                  .new_tuple = row},
                                                 context);
  EXPECT_EQ(nlohmann::json::parse(records[0].value)["transaction"].dump(),
            R"({"data_collection_order":2,"id":"7:1000","total_order":3})");
  EXPECT_EQ(nlohmann::json::parse(records[2].value)["transaction"].dump(),
            R"({"data_collection_order":3,"id":"7:1000","total_order":4})");
}

TEST(TableRecords, AreFlatOnRequest) {
  Table table{relation({"id", "name"}, 1), options(RecordFormat::flat)};
  EXPECT_THAT(table.insert(tuple({"1", "x"})),
              ElementsAre(R"({"id":"1"} {"__deleted":"false","__lsn":1000,"__op":"c","id":"1","name":"x"})"));
  EXPECT_THAT(table.remove(wire::old_key, tuple({"1"})),
              ElementsAre(R"({"id":"1"} {"__deleted":"true","__lsn":1000,"__op":"d","id":"1","name":null})",
                          R"({"id":"1"} tombstone)"));
  EXPECT_THAT(lines(table.records().of_truncate(context)),
              ElementsAre(R"(- {"__deleted":"false","__lsn":1000,"__op":"t"})"));
}

TEST(TableRecords, CarryTheSchemaOfWhatTheyHold) {
  for (const auto format : {RecordFormat::debezium, RecordFormat::flat}) {
    Table table{relation({"id", "with \"quotes\""}, 1), options(format, true)};
    const auto row = tuple({"1", "x"});
    const wire::Relation same = relation({"id", "with \"quotes\""}, 1);
    const auto records =
        table.records().of_change({.kind = wire::RecordKind::insert, .relation = &same, .new_tuple = row}, context);
    const auto key = nlohmann::json::parse(records[0].key);
    EXPECT_EQ(key["payload"].dump(), R"({"id":"1"})");
    EXPECT_EQ(
        key["schema"].dump(),
        R"({"fields":[{"field":"id","optional":false,"type":"string"}],"name":"shop.public.item.Key","optional":false,"type":"struct"})");
    const auto value = nlohmann::json::parse(records[0].value);
    std::vector<std::string> described;
    for (const auto& field : value["schema"]["fields"]) described.push_back(field["field"]);
    std::vector<std::string> held;
    for (const auto& [name, unused] : value["payload"].items()) held.push_back(name);
    EXPECT_THAT(described, testing::UnorderedElementsAreArray(held));
  }
}

// A reader refuses a record that lacks what its schema requires, as a flat one of a truncate would lack the key.
TEST(TableRecords, OfATruncateRequireNoRow) {
  Table table{relation({"id", "name"}, 1), options(RecordFormat::flat, true)};
  const auto value = nlohmann::json::parse(table.records().of_truncate(context)[0].value);
  EXPECT_EQ(value["payload"].dump(), R"({"__deleted":"false","__lsn":1000,"__op":"t"})");
  EXPECT_EQ(value["schema"]["name"], "shop.public.item.Truncate");
  std::vector<std::string> described;
  for (const auto& field : value["schema"]["fields"]) described.push_back(field["field"]);
  EXPECT_THAT(described, ElementsAre("__deleted", "__op", "__lsn"));
}

TEST(TableRecords, OfATruncateHaveAKeyWithItsSchema) {
  EXPECT_EQ(truncate_key("public.item", false), R"({"table":"public.item"})");
  const auto key = nlohmann::json::parse(truncate_key("public.item", true));
  EXPECT_EQ(key["payload"].dump(), R"({"table":"public.item"})");
  EXPECT_EQ(key["schema"]["fields"].dump(), R"([{"field":"table","optional":false,"type":"string"}])");
}

// What the call throws: "name: message".
template <typename Call>
std::string failure(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return std::string{text_of(error.failure().name)} + ": " + error.what();
  }
  return "nothing";
}

TEST(TableRecords, RefuseAChangeThatNamesNoRow) {
  Table table{relation({"id"}, 1)};
  EXPECT_THAT(failure([&] { table.remove(0, ""); }), HasSubstr("change_not_identified: a change of table public.item"));
  EXPECT_THAT(failure([&] { table.update(wire::no_new_tuple, "", ""); }), HasSubstr("change_not_identified"));
  EXPECT_THAT(failure([&] { table.update(wire::enters_row_filter, "", tuple({"1"})); }),
              HasSubstr("row_filter_without_values"));
}

TEST(TableRecords, RefuseAPlaceholderInTheKey) {
  Table table{relation({"id", "name"}, 1)};
  EXPECT_THROW(table.update(0, "", tuple({Field::unchanged_toast(), "x"})), wire::ProtocolError);
}

TEST(TableRecords, RefuseAKeyWhoseOldValueNobodyTells) {
  EXPECT_THAT(failure([] {
                Table{relation({"id", "name"}, 1), options(), std::vector<std::uint16_t>{1}};
              }),
              HasSubstr("mirror_key_unknown: column name of table public.item"));
  EXPECT_EQ(failure([] {
              Table{relation({"id", "name"}, 0, 'f'), options(), std::vector<std::uint16_t>{1}};
            }),
            "nothing");
}

TEST(TableRecords, RefuseTypesWithoutAForm) {
  auto strange = relation({"id", "shape"}, 1);
  strange.columns[1].base_oid = strange.columns[1].type_oid = 99999;
  strange.columns[1].type_name = "geometry";
  EXPECT_THAT(failure([&] { Table{strange}; }), HasSubstr("column_not_mirrored"));
  strange.columns[1].format = wire::ValueFormat::text;
  EXPECT_EQ(failure([&] { Table{strange}; }), "nothing");
}

TEST(TableRecords, NameTheColumnOfAValueWithoutAFormAndNotTheValue) {
  auto decimal = relation({"id", "n"}, 1);
  decimal.columns[1].base_oid = decimal.columns[1].type_oid = 1700;
  const test::Bytes nan = test::Bytes{}.u16(0).u16(0).u16(0xC000).u16(0);
  test::Bytes row;
  row.u16(2).u32(6).raw("hidden").u32(8).raw(nan.data());
  Table table{decimal};
  EXPECT_EQ(
      failure([&] { table.insert(row.data()); }),
      "value_not_mirrored: a value of column n of table public.item has no form in records: NaN and infinities have "
      "no form in decimal.handling.mode precise; string and double have one");
}

}  // namespace
}  // namespace walgate::mirror
