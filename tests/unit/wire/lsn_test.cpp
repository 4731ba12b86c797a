#include "wire/lsn.hpp"

#include <gtest/gtest.h>

namespace walgate {
namespace {

TEST(Lsn, ReadsWhatTheServerPrints) {
  ASSERT_TRUE(Lsn::parse("16/B374D848"));
  EXPECT_EQ(Lsn::parse("16/B374D848")->value, 0x16B374D848u);
  EXPECT_EQ(Lsn::parse("0/0")->value, 0u);
  EXPECT_EQ(Lsn::parse("FFFFFFFF/FFFFFFFF")->value, ~std::uint64_t{0});
}

TEST(Lsn, ReadsSmallLetters) {
  EXPECT_EQ(Lsn::parse("a/b")->value, 0xA0000000Bu);
}

TEST(Lsn, PrintsAsTheServerDoes) {
  EXPECT_EQ(Lsn{0x16B374D848}.text(), "16/B374D848");
  EXPECT_EQ(Lsn{0x100000001}.text(), "1/1");
  EXPECT_EQ(Lsn{}.text(), "0/0");
}

TEST(Lsn, RejectsWhatIsNotAPosition) {
  for (const auto* text : {"", "/", "1", "1/", "/1", "1/2/3", "g/1", "1/g", " 1/1", "1/1 ", "123456789/1",
                           "1/123456789", "-1/1", "+1/1", "0x1/1"}) {
    EXPECT_FALSE(Lsn::parse(text)) << text;
  }
}

TEST(Lsn, ComparesAsANumber) {
  EXPECT_LT(*Lsn::parse("0/FFFFFFFF"), *Lsn::parse("1/0"));
}

}  // namespace
}  // namespace walgate
