// record_content_test.cpp - what is read of records as the mirror itself makes them.

#include "mirror/record_content.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace walgate::mirror {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RecordContent, OfAnEnvelopeIsTheRowAfterTheChange) {
  RecordContentReader reader{RecordFormat::debezium, false};
  RecordContent content;
  ASSERT_TRUE(
      reader.read(R"({"before":{"id":1,"a":"x"},"after":{"id":1,"a":"y","p":{"x":1.5},"l":[1,null]},)"
                  R"("source":{"name":"s","schema":"public","table":"item"},"transaction":null,"op":"u","ts_ms":1})",
                  content));
  EXPECT_EQ(content.operation, 'u');
  EXPECT_EQ(content.table, "public.item");
  EXPECT_THAT(content.columns, ElementsAre("id", "a", "p", "l"));
  EXPECT_THAT(content.hashes,
              ElementsAre(hash_of("1"), hash_of(R"("y")"), hash_of(R"({"x":1.5})"), hash_of("[1,null]")));
}

TEST(RecordContent, OfADeleteAndATruncateIsNoRow) {
  RecordContentReader reader{RecordFormat::debezium, false};
  RecordContent content;
  ASSERT_TRUE(
      reader.read(R"({"before":{"id":1},"after":null,"source":{"schema":"public","table":"item"},"op":"d"})", content));
  EXPECT_EQ(content.operation, 'd');
  EXPECT_THAT(content.columns, IsEmpty());
  RecordContentReader flat{RecordFormat::flat, false};
  ASSERT_TRUE(flat.read(R"({"id":1,"__deleted":"true","__op":"d","__lsn":5})", content));
  EXPECT_EQ(content.operation, 'd');
  EXPECT_THAT(content.columns, IsEmpty());
}

TEST(RecordContent, OfAFlatRecordIsTheRowWithoutWhatIsOurs) {
  RecordContentReader reader{RecordFormat::flat, false};
  RecordContent content;
  ASSERT_TRUE(reader.read(R"({"id":1,"payload":{"x":1},"__deleted":"false","__op":"c","__lsn":5})", content));
  EXPECT_EQ(content.operation, 'c');
  EXPECT_EQ(content.table, "");
  EXPECT_THAT(content.columns, ElementsAre("id", "payload"));
}

TEST(RecordContent, WithASchemaIsInItsPayload) {
  RecordContentReader reader{RecordFormat::flat, true};
  RecordContent content;
  ASSERT_TRUE(reader.read(R"({"schema":{"type":"struct"},"payload":{"id":1,"__deleted":"false","__op":"r","__lsn":5}})",
                          content));
  EXPECT_EQ(content.operation, 'r');
  EXPECT_THAT(content.columns, ElementsAre("id"));
}

TEST(RecordContent, OfNamesAndValuesWithSignsIsWhatTheyMean) {
  RecordContentReader reader{RecordFormat::flat, false};
  RecordContent content;
  ASSERT_TRUE(reader.read(R"({"na\"me":"a, \"b\"","n":123456789012345678901234567890,"__op":"u"})", content));
  EXPECT_THAT(content.columns, ElementsAre("na\"me", "n"));
  EXPECT_THAT(content.hashes, ElementsAre(hash_of(R"("a, \"b\"")"), hash_of("123456789012345678901234567890")));
}

TEST(RecordContent, OfSomethingElseIsNone) {
  RecordContentReader reader{RecordFormat::debezium, false};
  RecordContent content;
  for (const auto* text : {"", "{", "{}", "[]", "7", R"({"op":"m"})", R"({"op":1})", R"({"op":"","after":null})",
                           R"({"walgate_pointer":{"lsn":"0/1"}})", R"({"after":[],"op":"c"})"}) {
    EXPECT_FALSE(reader.read(text, content)) << text;
  }
  ASSERT_TRUE(reader.read(R"({"after":{"id":1},"op":"c"})", content)) << "the next one is read again";
}

}  // namespace
}  // namespace walgate::mirror
