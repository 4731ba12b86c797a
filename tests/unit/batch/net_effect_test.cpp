#include "batch/net_effect.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "batch/piece_builder.hpp"

namespace walgate {
namespace {

using test::Field;
using test::FrameBuilder;

/// A transaction over item (id, a, b) with key id, and log (text) without a key.
FrameBuilder transaction() {
  FrameBuilder frame;
  return frame.hello()
      .begin(7, 0x100, 0x110)
      .relation(1, "item", {"id", "a", "b"}, {"id"})
      .relation(2, "log", {"text"});
}

std::string text_of(std::string_view tuple) {
  std::vector<wire::Value> values;
  wire::split_tuple(tuple, values);
  std::string text;
  for (const auto& value : values) {
    if (!text.empty()) text += ",";
    text += value.length == wire::length_unchanged_toast ? "~"
            : value.length < 0                           ? "null"
                               : std::string{value.data, static_cast<std::size_t>(value.length)};
  }
  return text;
}

std::string key_text(std::string_view key) {
  std::string text;
  for (wire::Reader reader{key}; !reader.at_end();) {
    const auto length = reader.i32();
    text += (text.empty() ? "" : ",") + std::string{reader.bytes(static_cast<std::size_t>(length))};
  }
  return text;
}

/// What is left of item and log, a line per row; "cannot" when a change was not taken.
std::string effect_of(FrameBuilder frame) {
  wire::Decoder decoder;
  frame.commit(0x100, 0x110);
  const auto piece = test::piece_of(decoder, frame.data());
  NetEffect item{{.in_row = {0}, .in_old_key = {0}}};
  NetEffect log{{}};
  for (const auto& change : piece.frame.changes) {
    auto& effect = change.relation->name == "item" ? item : log;
    if (effect.add(change) != NetEffect::Added::taken) return "cannot";
  }
  std::string lines;
  for (const auto& [effect, name] : {std::pair{&item, "item"}, std::pair{&log, "log"}}) {
    for (const auto& row : effect->rows()) {
      if (row.deletes) lines += fmt::format("delete {} {}\n", name, key_text(row.key));
      if (row.write == NetRow::Write::insert) lines += fmt::format("insert {} {}\n", name, text_of(row.tuple));
      if (row.write == NetRow::Write::update) lines += fmt::format("update {} {}\n", name, text_of(row.tuple));
    }
  }
  return lines;
}

TEST(NetEffect, AnInsertThatIsUpdatedIsOneInsert) {
  EXPECT_EQ(effect_of(transaction().insert(1, {"1", "x", "big"}).update(1, {"1", "y", Field::unchanged_toast()})),
            "insert item 1,y,big\n");
}

TEST(NetEffect, TwoUpdatesAreOneWithTheNewestValues) {
  EXPECT_EQ(effect_of(transaction()
                          .update(1, {"1", "x", "new"})
                          .update(1, {"1", "y", Field::unchanged_toast()})
                          .update(1, {"2", std::nullopt, Field::unchanged_toast()})),
            "update item 1,y,new\nupdate item 2,null,~\n");
}

TEST(NetEffect, AnInsertThatIsDeletedIsNothing) {
  EXPECT_EQ(effect_of(transaction().insert(1, {"1", "x", "y"}).remove(1, {"1"})), "");
}

TEST(NetEffect, AnUpdateThatIsDeletedIsADelete) {
  EXPECT_EQ(effect_of(transaction().update(1, {"1", "x", "y"}).remove(1, {"1"})), "delete item 1\n");
}

TEST(NetEffect, ADeleteThatIsInsertedAgainIsBoth) {
  EXPECT_EQ(effect_of(transaction().remove(1, {"1"}).insert(1, {"1", "x", "y"})), "delete item 1\ninsert item 1,x,y\n");
  EXPECT_EQ(effect_of(transaction().remove(1, {"1"}).insert(1, {"1", "x", "y"}).remove(1, {"1"})), "delete item 1\n");
  EXPECT_EQ(
      effect_of(
          transaction().remove(1, {"1"}).insert(1, {"1", "x", "y"}).update(1, {"1", "z", Field::unchanged_toast()})),
      "delete item 1\ninsert item 1,z,y\n");
}

TEST(NetEffect, AKeyMayComeAndGoManyTimes) {
  auto frame = transaction();
  for (int i = 0; i < 5000; ++i) frame.insert(1, {std::to_string(i).c_str(), "x", "y"});
  for (int i = 0; i < 5000; ++i) frame.remove(1, {std::to_string(i).c_str()});
  for (int i = 0; i < 5000; i += 1000) frame.insert(1, {std::to_string(i).c_str(), "new", "y"});
  EXPECT_EQ(effect_of(frame),
            "insert item 0,new,y\ninsert item 1000,new,y\ninsert item 2000,new,y\ninsert item 3000,new,y\n"
            "insert item 4000,new,y\n");
}

TEST(NetEffect, KeysOfSeveralColumnsNeedNotBeNeighbours) {
  for (const auto& columns : {std::vector<std::uint16_t>{0, 2}, std::vector<std::uint16_t>{0, 1}}) {
    wire::Decoder decoder;
    auto frame = FrameBuilder{}.hello().begin(7, 0x100, 0x110).relation(1, "pair", {"a", "b", "c"}, {"a", "b"});
    frame.insert(1, {"1", "2", "3"}).insert(1, {"12", "", "3"}).update(1, {"1", "2", "3"}).commit(0x100, 0x110);
    const auto piece = test::piece_of(decoder, frame.data());
    NetEffect effect{{.in_row = columns, .in_old_key = {0, 1}}};
    for (const auto& change : piece.frame.changes) EXPECT_EQ(effect.add(change), NetEffect::Added::taken);
    ASSERT_EQ(effect.rows().size(), 2U);
    EXPECT_EQ(key_text(effect.rows()[0].key), columns[1] == 2 ? "1,3" : "1,2");
  }
}

TEST(NetEffect, RowsWithoutAKeyAreAllKept) {
  EXPECT_EQ(effect_of(transaction().insert(2, {"same"}).insert(2, {"same"})), "insert log same\ninsert log same\n");
}

TEST(NetEffect, RefusesWhatCannotBeSummedUp) {
  EXPECT_EQ(effect_of(transaction().update(1, {"1"}, {"2", "x", "y"})), "cannot");
  EXPECT_EQ(effect_of(transaction().remove_without_address(1)), "cannot");
  EXPECT_EQ(effect_of(transaction().update(2, {"x"})), "cannot");
  // Folded into the delete, it would keep a value that the row had before it left the row filter.
  EXPECT_EQ(effect_of(transaction().remove(1, {"1"}).update(1, {"1", "x", Field::unchanged_toast()},
                                                            wire::enters_row_filter)),
            "cannot");
}

TEST(NetEffect, RefusesWhatASourceWithTheseKeysCannotHaveDone) {
  EXPECT_EQ(effect_of(transaction().insert(1, {"1", "x", "y"}).insert(1, {"1", "x", "y"}).remove(1, {"1"})), "cannot");
  EXPECT_EQ(effect_of(transaction().update(1, {"1", "x", "y"}).insert(1, {"1", "x", "y"})), "cannot");
  EXPECT_EQ(effect_of(transaction().remove(1, {"1"}).remove(1, {"1"})), "cannot");
  EXPECT_EQ(effect_of(transaction().remove(1, {"1"}).update(1, {"1", "x", "y"})), "cannot");
}

}  // namespace
}  // namespace walgate
