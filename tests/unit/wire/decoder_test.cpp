#include "wire/decoder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "wire/frame_builder.hpp"

namespace walgate::wire {
namespace {

using test::Bytes;
using test::Field;
using test::FrameBuilder;

std::string text_of_tuple(std::string_view tuple) {
  if (tuple.empty()) return "-";
  std::vector<Value> values;
  split_tuple(tuple, values);
  std::string text = "(";
  for (const auto& value : values) {
    if (text.size() > 1) text += ", ";
    if (value.length == length_null) {
      text += "null";
    } else if (value.length == length_unchanged_toast) {
      text += "unchanged";
    } else {
      text.append(value.data, static_cast<std::size_t>(value.length));
    }
  }
  return text + ")";
}

/// Everything that a frame says, a line each.
std::string transcript_of(Decoder& decoder, const std::string& bytes) {
  const auto frame = decoder.decode(bytes);
  std::string text;
  if (frame.begin) {
    text +=
        fmt::format("begin {} {} {}\n", frame.begin->xid, frame.begin->final_lsn.text(), frame.begin->end_lsn.text());
  }
  for (const auto& change : frame.changes) {
    if (change.kind == RecordKind::truncate) {
      text += fmt::format("truncate {}", change.flags);
      for (const auto* relation : frame.truncates[change.truncate_index]) text += " " + relation->name;
      for (const auto& partition : frame.partitions[change.truncate_index]) text += " partition " + partition;
      text += "\n";
      continue;
    }
    text += fmt::format("{} {} {} {} {}\n", static_cast<char>(change.kind), change.relation->name, change.flags,
                        text_of_tuple(change.old_tuple), text_of_tuple(change.new_tuple));
  }
  for (const auto* relation : frame.rewrites) text += fmt::format("rewrite {}\n", relation->name);
  for (const auto& message : frame.messages) text += fmt::format("message {} {}\n", message.prefix, message.content);
  if (frame.commit) text += "commit\n";
  return text;
}

std::string transcript_of(const FrameBuilder& frame) {
  Decoder decoder;
  return transcript_of(decoder, frame.data());
}

FrameBuilder session() {
  FrameBuilder frame;
  return frame.hello();
}

/// A session that stands inside a transaction and knows public.item (id, name) as relation 1.
FrameBuilder open_transaction() {
  auto frame = session();
  return frame.begin(7, 0x100, 0x130).relation(1, "item", {"id", "name"}, {"id"});
}

std::string error_of(const std::string& bytes) {
  Decoder decoder;
  try {
    [[maybe_unused]] const auto frame = decoder.decode(bytes);
  } catch (const ProtocolError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Decoder, KeepsTheOrderOfTheStream) {
  EXPECT_EQ(transcript_of(open_transaction()
                              .insert(1, {"1", "bolt"})
                              .update(1, {"1", Field::unchanged_toast()})
                              .update(1, {"1"}, {"2", std::nullopt})
                              .remove(1, {"2"})
                              .commit(0x100, 0x130)),
            "begin 7 0/100 0/130\n"
            "I item 0 - (1, bolt)\n"
            "U item 0 - (1, unchanged)\n"
            "U item 1 (1) (2, null)\n"
            "D item 1 (2) -\n"
            "commit\n");
}

TEST(Decoder, ReadsATransactionThatComesInPieces) {
  Decoder decoder;
  EXPECT_EQ(transcript_of(decoder, open_transaction().insert(1, {"1", "a"}).data()),
            "begin 7 0/100 0/130\nI item 0 - (1, a)\n");
  ASSERT_TRUE(decoder.open_transaction());
  EXPECT_EQ(transcript_of(decoder, FrameBuilder{}.insert(1, {"2", "b"}).data()), "I item 0 - (2, b)\n");
  EXPECT_EQ(transcript_of(decoder, FrameBuilder{}.commit(0x100, 0x130, 2).data()), "commit\n");
  EXPECT_FALSE(decoder.open_transaction());
}

TEST(Decoder, ReadsATruncateOfSeveralRelations) {
  EXPECT_EQ(transcript_of(open_transaction().relation(2, "part", {"id"}).truncate(2, {2, 1}).commit(0x100, 0x130)),
            "begin 7 0/100 0/130\ntruncate 2 part item\ncommit\n");
}

TEST(Decoder, NamesThePartitionsOfATruncate) {
  EXPECT_EQ(transcript_of(open_transaction().truncate(4, {1, 1}, {{"a", "one"}, {"b", "two"}}).commit(0x100, 0x130)),
            "begin 7 0/100 0/130\ntruncate 4 item item partition a.one partition b.two\ncommit\n");
  EXPECT_EQ(error_of(open_transaction().truncate(4, {1, 1}, {{"a", "one"}}).data()),
            "record is shorter than its fields");
}

TEST(Decoder, ReadsMessagesInsideAndOutsideOfTransactions) {
  EXPECT_EQ(transcript_of(open_transaction().message(true, "walgate", "x").commit(0x100, 0x130)),
            "begin 7 0/100 0/130\nmessage walgate x\ncommit\n");
  EXPECT_EQ(transcript_of(session().message(false, "app", "y")), "message app y\n");
}

TEST(Decoder, NamesVersionsThatOthersTakeThePlaceOf) {
  Decoder decoder;
  const auto names_of = [](const Frame& frame) {
    std::string names;
    for (const auto* relation : frame.outdated) names += relation->name + " " + relation->columns.at(1).name + "\n";
    return names;
  };
  const auto first = open_transaction().relation(2, "part", {"id", "b"}).commit(0x100, 0x130, 0).data();
  EXPECT_EQ(names_of(decoder.decode(first)), "");
  // Another identity is no other shape; another column is, and so is another table under the name.
  const auto second = FrameBuilder{}
                          .begin(8, 0x200, 0x230)
                          .relation(1, "item", {"id", "name"}, {"name"})
                          .relation(1, "item", {"id", "nick"}, {"id"})
                          .relation(3, "part", {"id", "c"})
                          .commit(0x200, 0x230, 0)
                          .data();
  EXPECT_EQ(names_of(decoder.decode(second)), "item name\npart b\n");
}

TEST(Decoder, GivesAShapeThatComesBackANewSerial) {
  Decoder decoder;
  const auto serial_of = [&](std::uint64_t lsn, const std::vector<std::string>& columns) {
    std::vector<Field> fields(columns.size(), Field{"1"});
    const auto bytes = FrameBuilder{}
                           .begin(7, lsn, lsn + 1)
                           .relation(1, "item", columns, {"id"})
                           .insert(1, fields)
                           .commit(lsn, lsn + 1)
                           .data();
    return decoder.decode(bytes).changes.at(0).relation->serial;
  };
  static_cast<void>(decoder.decode(session().data()));
  const auto first = serial_of(0x100, {"id", "name"});
  EXPECT_EQ(serial_of(0x110, {"id", "name"}), first);
  EXPECT_NE(serial_of(0x120, {"id"}), first);
  EXPECT_NE(serial_of(0x130, {"id", "name"}), first);
}

TEST(Decoder, ReadsRewritesApartFromTheChangesAndDoesNotCountThem) {
  EXPECT_EQ(transcript_of(open_transaction().rewrite(1).insert(1, {"1", "a"}).commit(0x100, 0x130, 1)),
            "begin 7 0/100 0/130\nI item 0 - (1, a)\nrewrite item\ncommit\n");
  EXPECT_EQ(transcript_of(open_transaction().rewrite(1).commit(0x100, 0x130, 0)),
            "begin 7 0/100 0/130\nrewrite item\ncommit\n");
}

TEST(Decoder, SaysWhichColumnsAreGenerated) {
  Bytes body;
  body.u32(1).u32(1).u32(16001).u8('r').u8('d').string("public").string("item").u16(3);
  for (const unsigned flags : {0U, 1U, 3U}) {
    body.u8(flags).u8('b').u8('b').u16(flags + 1).u32(23).u32(23).u32(0xFFFFFFFF);
    body.string("c").string("pg_catalog").string("int4");
  }
  Decoder decoder;
  const auto bytes = session()
                         .begin(7, 0x100, 0x130)
                         .record(RecordKind::relation, body.data())
                         .insert(1, {"0001", "0002", "0003"})
                         .data();
  const auto frame = decoder.decode(bytes);
  const auto& columns = frame.changes.at(0).relation->columns;
  EXPECT_FALSE(columns[0].is_generated);
  EXPECT_FALSE(columns[1].is_generated);
  EXPECT_TRUE(columns[2].is_key);
  EXPECT_TRUE(columns[2].is_generated);
  EXPECT_EQ(columns[2].number, 4);
  EXPECT_EQ(frame.changes[0].relation->key_columns, 2);
}

TEST(Decoder, GivesAChangeWithoutAddress) {
  EXPECT_EQ(transcript_of(open_transaction().remove_without_address(1).commit(0x100, 0x130)),
            "begin 7 0/100 0/130\nD item 0 - -\ncommit\n");
}

TEST(Decoder, GivesAnUpdateThatEntersARowFilterItsFlag) {
  EXPECT_EQ(
      transcript_of(
          open_transaction().update(1, {"1", Field::unchanged_toast()}, wire::enters_row_filter).commit(0x100, 0x130)),
      "begin 7 0/100 0/130\nU item 8 - (1, unchanged)\ncommit\n");
}

TEST(Decoder, UsesTheNewestVersionOfARelationAndKeepsOlderOnesAlive) {
  Decoder decoder;
  const auto first_bytes = open_transaction().insert(1, {"1", "a"}).data();
  const auto first = decoder.decode(first_bytes);
  const auto second_bytes = FrameBuilder{}
                                .relation(1, "item", {"id", "name", "note"}, {"id"})
                                .insert(1, {"2", "b", "c"})
                                .commit(0x100, 0x130, 2)
                                .data();
  const auto second = decoder.decode(second_bytes);
  EXPECT_EQ(first.changes[0].relation->columns.size(), 2u);
  EXPECT_EQ(second.changes[0].relation->columns.size(), 3u);
  EXPECT_NE(first.changes[0].relation->serial, second.changes[0].relation->serial);
}

TEST(Decoder, RefusesAnotherProtocolVersionAndNamesBoth) {
  EXPECT_EQ(error_of(FrameBuilder{}.hello(2).data()), "source speaks protocol version 2, this service speaks 1");
}

TEST(Decoder, RefusesAStreamThatIsNotOurs) {
  EXPECT_EQ(error_of(FrameBuilder{}.begin(1, 1, 2).data()), "session does not start with a hello record");
  EXPECT_EQ(error_of("BEGIN 750"), "record is shorter than its fields");
  EXPECT_EQ(error_of(FrameBuilder{}.record(RecordKind::hello, std::string(30, 'x')).data()),
            "hello record does not carry walgate's mark");
  EXPECT_EQ(error_of(session().hello().data()), "second hello record in one session");
  EXPECT_EQ(error_of(session().record(static_cast<RecordKind>('?'), "").data()), "unknown record kind 0x3f");
}

TEST(Decoder, RefusesRecordsInTheWrongPlace) {
  EXPECT_EQ(error_of(session().relation(1, "item", {"id"}).data()), "relation record outside of a transaction");
  EXPECT_EQ(error_of(session().insert(1, {"1"}).data()), "change outside of a transaction");
  EXPECT_EQ(error_of(session().truncate(0, {1}).data()), "truncate outside of a transaction");
  EXPECT_EQ(error_of(session().rewrite(1).data()), "rewrite outside of a transaction");
  EXPECT_EQ(error_of(session().commit(1, 2, 0).data()), "commit outside of a transaction");
  EXPECT_EQ(error_of(session().message(true, "a", "b").data()), "message stands in the wrong place");
  EXPECT_EQ(error_of(open_transaction().message(false, "a", "b").data()), "message stands in the wrong place");
  EXPECT_EQ(error_of(open_transaction().begin(8, 0x200, 0x230).data()), "transaction begins inside another one");
  EXPECT_EQ(error_of(open_transaction().commit(0x100, 0x130).begin(8, 0x200, 0x230).data()),
            "frame goes on after a commit");
}

TEST(Decoder, RefusesAChangeOfARelationThatWasNotDescribed) {
  EXPECT_EQ(error_of(open_transaction().insert(2, {"1"}).data()), "change of relation 2, which was not described");
  EXPECT_EQ(error_of(open_transaction().truncate(0, {3}).data()), "change of relation 3, which was not described");
  EXPECT_EQ(error_of(open_transaction().rewrite(4).data()), "change of relation 4, which was not described");
}

TEST(Decoder, RefusesACommitThatMissesAChange) {
  EXPECT_EQ(error_of(open_transaction().insert(1, {"1", "a"}).commit(0x100, 0x130, 2).data()),
            "transaction at 0/100 announces 2 changes, 1 arrived");
}

TEST(Decoder, RefusesACommitOfAnotherTransaction) {
  EXPECT_EQ(error_of(open_transaction().commit(0x100, 0x131).data()),
            "commit belongs to another transaction than its begin");
}

TEST(Decoder, RefusesTransactionsThatGoBack) {
  Decoder decoder;
  transcript_of(decoder, session().begin(7, 0x100, 0x130).commit(0x100, 0x130).data());
  EXPECT_THROW(transcript_of(decoder, FrameBuilder{}.begin(8, 0x90, 0xA0).data()), ProtocolError);
  EXPECT_EQ(error_of(session().begin(7, 0x100, 0x100).data()), "transaction ends before its commit record");
}

TEST(Decoder, RefusesOddTuples) {
  EXPECT_EQ(error_of(open_transaction().insert(1, {"1"}).data()), "tuple has 1 columns where its relation has 2");
  EXPECT_EQ(error_of(open_transaction().remove(1, {"1", "2"}).data()), "tuple has 2 columns where its relation has 1");
  EXPECT_EQ(error_of(open_transaction().insert(1, {"1", Field::unchanged_toast()}).data()),
            "tuple has a value of length -2");
  EXPECT_EQ(error_of(open_transaction()
                         .record(RecordKind::insert, Bytes{}.u32(1).u16(2).u32(0xFFFFFFFD).u32(0xFFFFFFFF).data())
                         .data()),
            "tuple has a value of length -3");
  EXPECT_EQ(
      error_of(open_transaction().record(RecordKind::insert, Bytes{}.u32(1).u16(2).u32(0x7FFFFFFF).data()).data()),
      "record is shorter than its fields");
  EXPECT_EQ(error_of(open_transaction()
                         .record(RecordKind::insert, Bytes{}.u32(1).raw(test::tuple({"1", "a"})).u8(0).data())
                         .data()),
            "record is longer than its fields");
}

TEST(Decoder, RefusesUnknownFlags) {
  EXPECT_EQ(error_of(open_transaction().record(RecordKind::delete_, Bytes{}.u32(1).u8(4).data()).data()),
            "change has flags 0x04");
  EXPECT_EQ(error_of(open_transaction().record(RecordKind::update, Bytes{}.u32(1).u8(3).data()).data()),
            "change has flags 0x03");
  for (const unsigned beside : {1U, 2U, 4U}) {  // a row that enters the row filter has no old image, and a new one
    EXPECT_EQ(error_of(open_transaction().record(RecordKind::update, Bytes{}.u32(1).u8(8 | beside).data()).data()),
              fmt::format("change has flags 0x{:02x}", 8 | beside));
  }
  EXPECT_EQ(error_of(open_transaction().record(RecordKind::delete_, Bytes{}.u32(1).u8(8).data()).data()),
            "change has flags 0x08");
  EXPECT_EQ(error_of(open_transaction().truncate(8, {1}).data()), "truncate has flags 0x08");
  EXPECT_EQ(error_of(open_transaction().truncate(0, {}).data()), "truncate names no relation");
  EXPECT_EQ(
      error_of(
          session()
              .begin(7, 0x100, 0x130)
              .record(
                  RecordKind::relation,
                  Bytes{}.u32(1).u32(1).u32(16001).u8('r').u8('d').string("public").string("item").u16(1).u8(4).data())
              .data()),
      "relation record has an unknown column flag");
}

/// A frame with every kind of record.
std::string rich_frame() {
  return open_transaction()
      .insert(1, {"1", "bolt"})
      .update(1, {"1"}, {"2", std::nullopt})
      .remove(1, {"2"})
      .rewrite(1)
      .truncate(1, {1})
      .message(true, "walgate", "announce")
      .commit(0x100, 0x130)
      .data();
}

TEST(Decoder, RefusesEveryTruncationOfAFrame) {
  const auto whole = rich_frame();
  std::size_t errors = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Decoder decoder;
    try {
      const auto frame = decoder.decode(std::string_view{whole}.substr(0, size));
      EXPECT_FALSE(frame.commit) << size;  // cut between two records: whole ones, and no end
    } catch (const ProtocolError&) {
      ++errors;
    }
  }
  EXPECT_GT(errors, whole.size() * 9 / 10);
}

TEST(Decoder, SurvivesEveryFlippedByteOfAFrame) {
  const auto whole = rich_frame();
  std::minstd_rand random{1};
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int times = 0; times < 4; ++times) {
      auto garbled = whole;
      garbled[at] = static_cast<char>(random());
      Decoder decoder;
      try {
        const auto frame = decoder.decode(garbled);
        for (const auto& change : frame.changes) text_of_tuple(change.new_tuple);
      } catch (const ProtocolError&) {  // either it is read to its bounds or refused
      }
    }
  }
}

}  // namespace
}  // namespace walgate::wire
