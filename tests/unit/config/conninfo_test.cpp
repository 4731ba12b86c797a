// conninfo_test.cpp - connection strings, without their secrets.

#include "config/conninfo.hpp"

#include <gtest/gtest.h>

namespace walgate {
namespace {

TEST(Conninfo, TakesWhatLibpqTakes) {
  for (const char* good : {"", "host=/run/postgresql dbname='my db'", "service=orders",
                           "postgresql://u@h:1/d?sslmode=require", "application_name=walgate"}) {
    EXPECT_EQ(mistake_in_conninfo(good), std::nullopt) << good;
  }
}

TEST(Conninfo, RefusesWhatLibpqRefuses) {
  EXPECT_EQ(mistake_in_conninfo("host"), "missing \"=\" after \"...\" in connection info string");
  EXPECT_EQ(mistake_in_conninfo("nonsense=1"), "invalid connection option \"...\"");
  EXPECT_EQ(mistake_in_conninfo("host='a"), "unterminated quoted string in connection info string");
}

TEST(MaskedConninfo, HidesEverySecret) {
  EXPECT_EQ(masked_conninfo("host=h password=x sslpassword=y dbname=d"),
            "password=******** dbname=d host=h sslpassword=********");
  EXPECT_EQ(masked_conninfo("postgresql://u:p%20w@h:5433/d"), "user=u password=******** dbname=d host=h port=5433");
}

TEST(MaskedConninfo, QuotesWhatNeedsIt) {
  EXPECT_EQ(masked_conninfo(R"(dbname='my \'db\'' host='')"), R"(dbname='my \'db\'' host='')");
}

TEST(MaskedConninfo, IsEmptyForAnEmptyString) {
  EXPECT_EQ(masked_conninfo(""), "");
}

}  // namespace
}  // namespace walgate
