#include "wire/encoding.hpp"

#include <gtest/gtest.h>

#include "wire/reader.hpp"

namespace walgate::wire {
namespace {

TEST(Encoding, LeavesUtf8AndSqlAsciiAsTheyAre) {
  EXPECT_EQ(Encoding{"UTF8"}.to_utf8("gr\xC3\xB6\xC3\x9F"
                                     "e"),
            "gr\xC3\xB6\xC3\x9F"
            "e");
  EXPECT_EQ(Encoding{"SQL_ASCII"}.from_utf8("\xFF"), "\xFF");
}

TEST(Encoding, ConvertsBothWays) {
  const Encoding latin{"LATIN1"};
  EXPECT_EQ(latin.to_utf8("gr\xF6\xDF"
                          "e"),
            "gr\xC3\xB6\xC3\x9F"
            "e");
  EXPECT_EQ(latin.from_utf8("gr\xC3\xB6\xC3\x9F"
                            "e"),
            "gr\xF6\xDF"
            "e");
}

TEST(Encoding, KeepsALastCharacterThatAMarkCouldFollow) {
  EXPECT_EQ(Encoding{"WIN1258"}.to_utf8("\xEA"
                                        "a"),
            "\xC3\xAA"
            "a");
  EXPECT_EQ(Encoding{"WIN1255"}.to_utf8("\xE0\xE9"), "\xD7\x90\xD7\x99");
}

TEST(Encoding, RefusesWhatHasNoFormOnTheOtherSide) {
  EXPECT_THROW(static_cast<void>(Encoding{"LATIN1"}.from_utf8("\xE2\x82\xAC")), ProtocolError);  // the euro sign
  EXPECT_THROW(Encoding{"NO_SUCH"}, ProtocolError);
}

}  // namespace
}  // namespace walgate::wire
