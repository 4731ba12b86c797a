#include "mirror/gone_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace walgate::mirror {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(GoneKeys, AreThoseThatTheCopyHasNotSent) {
  GoneKeys gone{1'000'000};
  gone.take_before("a", true);
  gone.take_before("b", true);
  gone.take_copied("b");
  gone.take_copied("c");
  EXPECT_THAT(gone.found(), UnorderedElementsAre("a"));
  EXPECT_FALSE(gone.next_pass());
}

TEST(GoneKeys, DoNotHoldWhatWasDeletedBefore) {
  GoneKeys gone{1'000'000};
  gone.take_before("a", true);
  gone.take_before("a", false);
  gone.take_before("b", false);
  gone.take_before("c", true);
  gone.take_before("c", false);
  gone.take_before("c", true);
  EXPECT_THAT(gone.found(), UnorderedElementsAre("c"));
}

TEST(GoneKeys, AreFoundInSeveralReadingsWhereMemoryIsShort) {
  constexpr int keys = 2000;
  constexpr std::size_t limit = 10'000;
  GoneKeys gone{limit};
  std::multiset<std::string> found;
  int readings = 0;
  do {
    ++readings;
    for (int i = 0; i < keys; ++i) {
      gone.take_before("key" + std::to_string(i), true);
      EXPECT_LE(gone.found().size(), limit / 64 + 1);
    }
    for (int i = 0; i < keys; i += 2) gone.take_copied("key" + std::to_string(i));
    found.insert(gone.found().begin(), gone.found().end());
  } while (gone.next_pass());
  EXPECT_GT(readings, 1);
  EXPECT_EQ(found.size(), keys / 2);
  for (int i = 1; i < keys; i += 2) EXPECT_EQ(found.count("key" + std::to_string(i)), 1U) << i;
}

TEST(GoneKeys, TakeAKeyThatIsLargerThanTheLimit) {
  GoneKeys gone{10};
  gone.take_before(std::string(1000, 'x'), true);
  EXPECT_EQ(gone.found().size(), 1U);
  gone.take_copied(std::string(1000, 'x'));
  EXPECT_THAT(gone.found(), IsEmpty());
}

}  // namespace
}  // namespace walgate::mirror
