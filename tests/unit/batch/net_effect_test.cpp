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

/// What is left, a line per change; "cannot" when it cannot be summed up.
std::string effect_of(FrameBuilder frame) {
  wire::Decoder decoder;
  frame.commit(0x100, 0x110);
  std::vector<Piece> pieces;
  pieces.push_back(test::piece_of(decoder, frame.data()));
  const auto effect = net_effect_of(pieces);
  if (!effect) return "cannot";
  std::string lines;
  for (const auto& table : effect->tables) {
    for (const auto& change : table.inserts)
      lines += fmt::format("insert {} {}\n", table.relation->name, text_of(change.new_tuple));
    for (const auto& change : table.updates)
      lines += fmt::format("update {} {}\n", table.relation->name, text_of(change.new_tuple));
    for (const auto& change : table.deletes)
      lines += fmt::format("delete {} {}\n", table.relation->name, text_of(change.old_tuple));
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

TEST(NetEffect, ADeleteThatIsInsertedAgainIsAnUpdateOfEveryColumn) {
  EXPECT_EQ(effect_of(transaction().remove(1, {"1"}).insert(1, {"1", "x", "y"})), "update item 1,x,y\n");
  EXPECT_EQ(effect_of(transaction().remove(1, {"1"}).insert(1, {"1", "x", "y"}).remove(1, {"1"})), "delete item 1\n");
}

TEST(NetEffect, RowsWithoutAKeyAreAllKept) {
  EXPECT_EQ(effect_of(transaction().insert(2, {"same"}).insert(2, {"same"})), "insert log same\ninsert log same\n");
}

TEST(NetEffect, RefusesWhatCannotBeSummedUp) {
  EXPECT_EQ(effect_of(transaction().truncate(0, {1})), "cannot");
  EXPECT_EQ(effect_of(transaction().update(1, {"1"}, {"2", "x", "y"})), "cannot");
  EXPECT_EQ(effect_of(transaction().remove_without_address(1)), "cannot");
  EXPECT_EQ(effect_of(transaction().update(2, {"x"})), "cannot");
  // Folded into the delete, it would keep a value that the row had before it left the row filter.
  EXPECT_EQ(effect_of(transaction().remove(1, {"1"}).update(1, {"1", "x", Field::unchanged_toast()},
                                                            wire::enters_row_filter)),
            "cannot");
  EXPECT_EQ(effect_of(transaction().insert(1, {"1", "x", "y"}).relation(1, "item", {"id"}, {"id"}).remove(1, {"1"})),
            "cannot");
}

}  // namespace
}  // namespace walgate
