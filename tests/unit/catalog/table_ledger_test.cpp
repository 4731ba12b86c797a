#include "catalog/table_ledger.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace walgate {
namespace {

const QualifiedName item{"public", "item"};
const QualifiedName other{"public", "other"};

PublishedTable table(std::uint32_t oid) {
  PublishedTable made{.oid = oid};
  made.entries["orders"] = {.ids = "1.2", .operations = "insert", .columns = "", .filter = ""};
  return made;
}

/// A ledger with its target, which forgets nothing.
struct Target {
  KnownTables stored;
  HeldTables held;
  bool looked = false;
  bool fails = false;

  TableLedger ledger() {
    return TableLedger{{stored, held, looked}, [this](const KnownTables& rows) {
                         if (fails) throw std::runtime_error{"target is away"};
                         for (const auto& [name, known] : rows) stored[name] = known;
                         looked = true;
                       }};
  }
  /// Changes of the table are applied.
  void apply(TableLedger& ledger, std::uint32_t oid, const HeldTable& table, Lsn lsn) {
    ledger.saw(oid, table, lsn);
    for (const auto& [its_oid, learned] : ledger.take_unwritten()) held[its_oid] = learned;
  }
};

/// A look and what it says, a line each; stored.
std::string look(TableLedger& ledger, const PublishedTables& now, Lsn as_of = Lsn{100}) {
  std::string text;
  for (const auto& change : ledger.look(now, as_of)) {
    text += fmt::format("{} {}: {}{}\n", text_of(change.name), change.table.display(), change.text,
                        change.ordinary ? " (ordinary)" : "");
  }
  ledger.save();
  return text;
}

TEST(TableLedger, FindsNothingAtTheFirstLook) {
  Target target;
  auto ledger = target.ledger();
  EXPECT_EQ(look(ledger, {{item, table(1)}}), "");
  EXPECT_EQ(target.stored.at(item).oid, 1U);
  EXPECT_EQ(target.stored.at(item).as_of, Lsn{100});
  EXPECT_TRUE(target.looked);
}

TEST(TableLedger, TellsWhatJoinedAfterAFirstLookThatFoundNothing) {
  Target target;
  auto first = target.ledger();
  EXPECT_EQ(look(first, {}), "");
  auto second = target.ledger();
  EXPECT_EQ(look(second, {{item, table(1)}}),
            "table_joined_publication public.item: the table joined the publications\n");
  EXPECT_EQ(look(second, {{item, table(1)}}), "");
}

TEST(TableLedger, TellsOnceThatATableLeftAndThatItCameBack) {
  Target target;
  auto ledger = target.ledger();
  look(ledger, {{item, table(1)}});
  EXPECT_EQ(look(ledger, {}), "table_left_publication public.item: the table has left the publications\n");
  auto restarted = target.ledger();
  EXPECT_EQ(look(restarted, {}), "");
  EXPECT_EQ(restarted.known().at(item).state, TableState::left);
  EXPECT_EQ(look(restarted, {{item, table(1)}}),
            "table_joined_publication public.item: the table joined the publications\n");
}

TEST(TableLedger, LetsTheOldTableInAndTheNewOneNot) {
  Target target;
  auto ledger = target.ledger();
  look(ledger, {{item, table(1)}});
  EXPECT_TRUE(ledger.is_same(item, 1, Lsn{110}));
  EXPECT_EQ(look(ledger, {{item, table(2)}}),
            "table_recreated public.item: another table has taken over the name; its first change waits at a gate\n");
  auto restarted = target.ledger();
  EXPECT_EQ(look(restarted, {{item, table(2)}}), "");
  EXPECT_TRUE(restarted.is_same(item, 1, Lsn{120}));
  EXPECT_FALSE(restarted.is_same(item, 2, Lsn{130}));
  EXPECT_EQ(restarted.known().at(item).state, TableState::recreated);
}

TEST(TableLedger, NoticesTablesRenamedIntoEachOther) {
  Target target;
  auto ledger = target.ledger();
  look(ledger, {{item, table(1)}, {other, table(2)}});
  auto restarted = target.ledger();
  look(restarted, {{item, table(2)}, {other, table(1)}});
  EXPECT_FALSE(restarted.is_same(item, 2, Lsn{130}));
  EXPECT_FALSE(restarted.is_same(other, 1, Lsn{130}));
}

TEST(TableLedger, TakesAnOlderTableThatTheFirstLookDidNotSeeAnyMore) {
  Target target;
  auto ledger = target.ledger();
  look(ledger, {{item, table(2)}}, Lsn{100});
  EXPECT_TRUE(ledger.is_same(item, 1, Lsn{90})) << "the stream is still before the look";
  EXPECT_TRUE(ledger.is_same(item, 1, Lsn{95}));
  EXPECT_FALSE(ledger.is_same(item, 2, Lsn{97})) << "the target now holds rows of the older one";
  EXPECT_EQ(ledger.known().at(item).state, TableState::recreated);
}

TEST(TableLedger, RefusesAnUnknownTableAfterTheLook) {
  Target target;
  auto ledger = target.ledger();
  look(ledger, {{item, table(1)}}, Lsn{100});
  EXPECT_FALSE(ledger.is_same(item, 2, Lsn{101}));
}

TEST(TableLedger, WritesWhatTheStreamBringsFirst) {
  Target target;
  auto ledger = target.ledger();
  look(ledger, {});
  EXPECT_TRUE(ledger.is_same(item, 1, Lsn{110}));
  ledger.save();
  EXPECT_EQ(target.stored.at(item).oid, 1U);
  auto restarted = target.ledger();
  EXPECT_FALSE(restarted.is_same(item, 2, Lsn{120}));
  EXPECT_EQ(look(restarted, {{item, table(2)}}), "") << "the refused change has told it";
  EXPECT_EQ(restarted.known().at(item).state, TableState::recreated);
}

TEST(TableLedger, LetsAnAcceptedTableInAlsoInATransactionThatBeganWithTheOldOne) {
  Target target;
  auto ledger = target.ledger();
  look(ledger, {{item, table(1)}});
  EXPECT_TRUE(ledger.is_same(item, 1, Lsn{110}));
  EXPECT_FALSE(ledger.is_same(item, 2, Lsn{110}));
  ledger.save();
  target.stored.at(item).accepted = true;
  target.stored.at(item).state = TableState::streaming;
  for (int crash = 0; crash < 2; ++crash) {
    auto restarted = target.ledger();
    EXPECT_EQ(look(restarted, {{item, table(2)}}), "");
    EXPECT_TRUE(restarted.is_same(item, 1, Lsn{110}));
    EXPECT_TRUE(restarted.is_same(item, 2, Lsn{110}));
    restarted.save();
    EXPECT_EQ(target.stored.at(item).state, TableState::streaming);
  }
  auto later = target.ledger();
  EXPECT_FALSE(later.is_same(item, 3, Lsn{200}));
}

TEST(TableLedger, TellsAChangedSelection) {
  Target target;
  auto ledger = target.ledger();
  auto now = table(1);
  look(ledger, {{item, now}});
  now.entries["orders"].ids = "1.3";
  EXPECT_EQ(look(ledger, {{item, now}}),
            "table_selection_changed public.item: it was taken out of publication \"orders\" and put back\n");
  now.entries["orders"] = {.ids = "1.4", .operations = "insert delete", .columns = "1 2", .filter = "x"};
  now.entries["more"] = {};
  EXPECT_EQ(
      look(ledger, {{item, now}}),
      "table_selection_changed public.item: publication \"orders\" publishes other operations; its column list in "
      "publication \"orders\" has changed; its row filter in publication \"orders\" has changed; publication "
      "\"more\" holds it, too\n");
  now.entries.erase("orders");
  auto restarted = target.ledger();
  EXPECT_EQ(look(restarted, {{item, now}}),
            "table_selection_changed public.item: publication \"orders\" holds it no more\n");
}

TEST(TableLedger, TellsPartitionsThatJoinAndLeave) {
  Target target;
  auto ledger = target.ledger();
  auto now = table(1);
  now.partitions[10] = {"public.p1", false};
  look(ledger, {{item, now}});
  now.partitions[11] = {"public.p2", false};
  now.partitions[12] = {"public.p3", true};
  now.partitions.erase(10);
  EXPECT_EQ(look(ledger, {{item, now}}),
            "partition_left public.item: partition public.p1 was dropped or detached; its rows stay on the target\n"
            "partition_joined public.item: partition public.p2 was created (ordinary)\n"
            "partition_joined public.item: partition public.p3 was attached; rows that it held then are not on the "
            "target\n");
}

TEST(TableLedger, KeepsWhatCouldNotBeWritten) {
  Target target;
  auto ledger = target.ledger();
  target.fails = true;
  (void)ledger.look({{item, table(1)}}, Lsn{100});
  EXPECT_THROW(ledger.save(), std::runtime_error);
  EXPECT_TRUE(ledger.is_same(item, 1, Lsn{110}));
  EXPECT_THROW(ledger.save(), std::runtime_error) << "nothing is applied on what is not written";
  target.fails = false;
  ledger.save();
  EXPECT_EQ(target.stored.at(item).oid, 1U);
  EXPECT_TRUE(target.looked);
}

TableShape shape(std::uint16_t columns) {
  TableShape made{.target_oid = 17000, .columns = {}};
  for (std::uint16_t i = 1; i <= columns; ++i) made.columns.push_back({.number = i});
  return made;
}

TEST(TableLedger, KnowsTheColumnsBeforeATransaction) {
  Target target;
  auto ledger = target.ledger();
  EXPECT_TRUE(ledger.is_same(item, 1, Lsn{110}));
  EXPECT_EQ(ledger.shape_before(item, 1, Lsn{110}), std::nullopt);
  ledger.saw(1, {item, shape(2)}, Lsn{110});
  EXPECT_EQ(ledger.take_unwritten(), (HeldTables{{1, {item, shape(2)}}}));
  ledger.saw(1, {item, shape(2)}, Lsn{115});
  EXPECT_EQ(ledger.take_unwritten(), HeldTables{});
  EXPECT_EQ(ledger.shape_before(item, 1, Lsn{120}), shape(2));
  ledger.saw(1, {item, shape(3)}, Lsn{120});
  ledger.saw(1, {item, shape(4)}, Lsn{120});
  // Every change of a transaction is held against what was before it.
  EXPECT_EQ(ledger.shape_before(item, 1, Lsn{120}), shape(2));
  EXPECT_EQ(ledger.shape_before(item, 1, Lsn{130}), shape(4));
}

TEST(TableLedger, HoldsATransactionThatWasNotAppliedAgainstWhatWasBeforeItWhenItComesOnceMore) {
  Target target;
  auto ledger = target.ledger();
  EXPECT_TRUE(ledger.is_same(item, 1, Lsn{110}));
  target.apply(ledger, 1, {item, shape(2)}, Lsn{110});
  ledger.saw(1, {item, shape(3)}, Lsn{120});
  ledger.save();
  const auto restarted = target.ledger();
  EXPECT_EQ(restarted.shape_before(item, 1, Lsn{120}), shape(2));
}

TEST(TableLedger, AsksNothingOfATransactionThatWasAccepted) {
  Target target;
  target.stored[item] = {.oid = 1, .accepted_at = Lsn{120}};
  target.held[1] = {item, shape(2)};
  const auto ledger = target.ledger();
  EXPECT_TRUE(ledger.is_accepted(item, Lsn{120}));
  EXPECT_EQ(ledger.shape_before(item, 1, Lsn{120}), std::nullopt);
  EXPECT_FALSE(ledger.is_accepted(item, Lsn{130}));
  EXPECT_EQ(ledger.shape_before(item, 1, Lsn{130}), shape(2));
}

TEST(TableLedger, KnowsATableUnderItsNewName) {
  Target target;
  auto ledger = target.ledger();
  look(ledger, {{item, table(1)}});
  target.apply(ledger, 1, {item, shape(2)}, Lsn{110});
  EXPECT_EQ(look(ledger, {{other, table(1)}}), "table_renamed public.other: the table was called public.item before\n");
  EXPECT_TRUE(ledger.is_same(item, 1, Lsn{115}));  // its last changes under the old name
  EXPECT_EQ(ledger.former_name(other), item);
  EXPECT_EQ(ledger.shape_before(other, 1, Lsn{120}), shape(2));
  target.apply(ledger, 1, {other, shape(2)}, Lsn{120});
  EXPECT_EQ(ledger.former_name(other), std::nullopt);
  EXPECT_EQ(ledger.shape_before(other, 1, Lsn{120}), shape(2));
  EXPECT_EQ(ledger.known().at(item).state, TableState::left);
  EXPECT_EQ(look(ledger, {{other, table(1)}}), "");
}

TEST(TableLedger, KnowsANewNameAgainWhenTheFirstChangeUnderItWasNotApplied) {
  Target target;
  auto ledger = target.ledger();
  look(ledger, {{item, table(1)}});
  target.apply(ledger, 1, {item, shape(2)}, Lsn{110});
  EXPECT_TRUE(ledger.is_same(other, 1, Lsn{120}));
  ledger.saw(1, {other, shape(2)}, Lsn{120});
  ledger.save();
  auto restarted = target.ledger();
  EXPECT_TRUE(restarted.is_same(item, 1, Lsn{120}));
  EXPECT_TRUE(restarted.is_same(other, 1, Lsn{120}));
  EXPECT_EQ(restarted.former_name(other), item);
}

TEST(TableLedger, KnowsTheOldestNameOfATableThatNothingWasStreamedOf) {
  Target target;
  auto ledger = target.ledger();
  const QualifiedName third{"public", "a third"};
  look(ledger, {{item, table(1)}}, Lsn{100});
  look(ledger, {{other, table(1)}}, Lsn{110});
  look(ledger, {{third, table(1)}}, Lsn{120});
  EXPECT_EQ(ledger.former_name(other), item);
  EXPECT_EQ(ledger.former_name(third), item);
  EXPECT_EQ(ledger.former_name(item), std::nullopt);
}

TEST(TableLedger, LearnsANewNameFromTheStreamFirst) {
  Target target;
  auto ledger = target.ledger();
  look(ledger, {{item, table(1)}});
  EXPECT_TRUE(ledger.is_same(other, 1, Lsn{120}));
  EXPECT_EQ(ledger.former_name(other), item);
}

TEST(TableLedger, IgnoresTablesThatJoinWhereThatIsWanted) {
  Target target;
  target.looked = true;
  target.stored[item] = {.oid = 1};
  TableLedger ledger{{target.stored, {}, true}, [](const KnownTables&) {}, true};
  static_cast<void>(ledger.look({{item, table(1)}, {other, table(2)}}, Lsn{100}));
  EXPECT_FALSE(ledger.is_ignored(item));
  EXPECT_TRUE(ledger.is_ignored(other));
  static_cast<void>(ledger.look({{item, table(1)}, {other, table(2)}}, Lsn{110}));
  EXPECT_TRUE(ledger.is_ignored(other));
}

TEST(TableLedger, KnowsNamesThatChangedPlacesWhenTheTransactionComesOnceMore) {
  Target target;
  target.stored[item] = {.oid = 1, .as_of = Lsn{90}};
  target.stored[other] = {.oid = 2, .as_of = Lsn{90}};
  auto of_other = shape(3);
  of_other.target_oid = 17001;
  target.held = {{1, {item, shape(2)}}, {2, {other, of_other}}};
  for (int times = 0; times < 2; ++times) {
    auto ledger = target.ledger();
    EXPECT_TRUE(ledger.is_same(item, 1, Lsn{120}));
    EXPECT_TRUE(ledger.is_same(other, 2, Lsn{120}));
    if (!ledger.is_same(item, 2, Lsn{120})) {
      EXPECT_FALSE(ledger.take_over(item, 2, 17002, Lsn{120}));
      EXPECT_TRUE(ledger.take_over(item, 2, 17001, Lsn{120}));
    }
    EXPECT_EQ(ledger.former_name(item), other);
    EXPECT_TRUE(ledger.is_same(other, 1, Lsn{120}) || ledger.take_over(other, 1, 17000, Lsn{120}));
    ledger.save();
    EXPECT_EQ(ledger.shape_before(item, 2, Lsn{130})->target_oid, 17001U);
    EXPECT_EQ(ledger.shape_before(other, 1, Lsn{130})->target_oid, 17000U);
  }
}

TEST(TableLedger, TakesTheStreamsWordForWhatTheCatalogShowed) {
  Target target;
  auto ledger = target.ledger();
  EXPECT_TRUE(ledger.is_same(item, 1, Lsn{110}));
  ledger.remember(1, {item, shape(2)}, Lsn{200});
  EXPECT_EQ(ledger.shape_before(item, 1, Lsn{110}), std::nullopt);
  ledger.saw(1, {item, shape(2)}, Lsn{110});  // the same, and from here on
  EXPECT_EQ(ledger.take_unwritten().size(), 1U);
  EXPECT_EQ(ledger.shape_before(item, 1, Lsn{120}), shape(2));
  EXPECT_TRUE(ledger.is_same(other, 2, Lsn{110}));
  ledger.remember(2, {other, shape(2)}, Lsn{200});
  EXPECT_EQ(ledger.shape_before(other, 2, Lsn{210}), shape(2));
  ledger.saw(2, {other, shape(3)}, Lsn{110});  // older
  EXPECT_EQ(ledger.shape_before(other, 2, Lsn{120}), shape(3));
  ledger.remember(2, {other, shape(4)}, Lsn{300});
  EXPECT_EQ(ledger.shape_before(other, 2, Lsn{310}), shape(3));
}

TEST(TableLedger, KnowsTheNameThatTheRowsOfARenamedTableAreUnder) {
  Target target;
  auto ledger = target.ledger();
  look(ledger, {{item, table(1)}});
  EXPECT_EQ(ledger.held_as(other, 1), item) << "nobody has told of the new name";
  EXPECT_EQ(ledger.held_as(item, 1), item);
  EXPECT_EQ(ledger.held_as(item, 2), item) << "another table of that name";
  target.apply(ledger, 1, {other, {}}, Lsn{200});
  EXPECT_EQ(ledger.held_as(item, 1), other);
  EXPECT_EQ(ledger.held_as(other, 1), other);
}

}  // namespace
}  // namespace walgate
