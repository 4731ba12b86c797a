// source_text_test.cpp - text of every kind of database becomes valid JSON, or an error.

#include "mirror/source_text.hpp"

#include <gtest/gtest.h>

#include <string>

#include "mirror/conversion_error.hpp"
#include "wire/reader.hpp"

namespace walgate::mirror {
namespace {

std::string json(std::string_view encoding, std::string_view text) {
  JsonBuffer out;
  SourceText{encoding}.append(out, text);
  return std::string{out.view()};
}

TEST(SourceText, OfAUtf8DatabaseStaysAsItIs) {
  EXPECT_EQ(json("UTF8", "größe \"x\""), R"("größe \"x\"")");
}

TEST(SourceText, IsConvertedFromOtherEncodings) {
  EXPECT_EQ(json("LATIN1",
                 "gr\xF6\xDF"
                 "e \"x\""),
            R"("größe \"x\"")");
  EXPECT_EQ(json("WIN1251", "\xC4\xE0"), R"("Да")");
  EXPECT_EQ(json("LATIN1", "plain"), R"("plain")");
  EXPECT_THROW(json("EUC_JP", "\xFF\xFF"), ConversionError);
  EXPECT_THROW(SourceText{"MULE_INTERNAL"}, wire::ProtocolError);
}

TEST(SourceText, OfASqlAsciiDatabaseMustBeUtf8) {
  EXPECT_EQ(json("SQL_ASCII", "größe ☃ 😀 \xED\x9F\xBF \xF4\x8F\xBF\xBF"),
            "\"größe ☃ 😀 \xED\x9F\xBF \xF4\x8F\xBF\xBF\"");
  for (const auto* text : {"gr\xF6\xDF"
                           "e",
                           "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                           "\xF8\x88\x80\x80\x80", "\xE2\x98", "\x80"}) {
    EXPECT_THROW(json("SQL_ASCII", text), ConversionError);
  }
}

}  // namespace
}  // namespace walgate::mirror
