// course_test.cpp - when the mirror rests while it catches up, and when it must not.

#include "mirror/course.hpp"

#include <gtest/gtest.h>

namespace walgate::mirror {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t megabyte = 1024UL * 1024;
constexpr Lsn end{9000 * megabyte};

/// So many megabytes after `lsn`, or before it.
Lsn after(Lsn lsn, double megabytes) {
  return Lsn{lsn.value + static_cast<std::uint64_t>(static_cast<std::int64_t>(megabytes * megabyte))};
}

class CourseTest : public testing::Test {
 protected:
  Course course_{2min};
  Course::Clock::time_point start_ = Course::Clock::now();
};

TEST_F(CourseTest, NeedsToSeeThePositionFirst) {
  EXPECT_EQ(course_.rest(end, start_), 0ms);
}

TEST_F(CourseTest, IsDoneInTwoMinutes) {
  const auto begin = after(end, -1200);  // so 10 MB each second
  course_.see(end, begin, start_);
  EXPECT_EQ(course_.rest(begin, start_), 0ms);
  EXPECT_EQ(course_.rest(after(begin, 0.5), start_), 50ms);
  EXPECT_EQ(course_.rest(after(begin, 0.5), start_ + 50ms), 0ms);
  EXPECT_EQ(course_.rest(after(begin, 50), start_), 100ms);  // it looks again
  EXPECT_EQ(course_.rest(after(begin, 600), start_ + 60s), 0ms);
  EXPECT_GT(course_.rest(after(begin, 601), start_ + 60s), 90ms);
  EXPECT_EQ(course_.rest(end, start_ + 120s), 0ms);
}

TEST_F(CourseTest, GoesWithTheSource) {
  const auto begin = after(end, -1200);
  course_.see(end, begin, start_);
  course_.see(after(end, 20), begin, start_ + 1s);  // so 30 MB each second
  EXPECT_EQ(course_.rest(after(begin, 30), start_ + 1s), 0ms);
  EXPECT_EQ(course_.rest(after(begin, 33), start_ + 1s), 100ms);
  EXPECT_EQ(course_.rest(after(begin, 33), start_ + 1100ms), 0ms);
}

TEST_F(CourseTest, RestsForNobodyWhoIsLate) {
  const auto begin = after(end, -1200);
  course_.see(end, begin, start_);
  course_.see(after(end, 5000), begin, start_ + 30s);
  EXPECT_EQ(course_.rest(after(begin, 1000), start_ + 30s), 0ms);
  EXPECT_EQ(course_.rest(after(begin, 100000), start_ + 120s), 0ms);
}

TEST_F(CourseTest, IsShortForLittle) {
  course_.see(end, after(end, -8), start_);
  EXPECT_GT(course_.rest(end, start_ + 1900ms), 90ms);
  EXPECT_EQ(course_.rest(end, start_ + 2s), 0ms);
}

TEST_F(CourseTest, IsNoneWithoutTime) {
  Course at_once{0ms};
  at_once.see(end, after(end, -1200), start_);
  EXPECT_EQ(at_once.rest(end, start_), 0ms);
}

TEST_F(CourseTest, BeginsAnew) {
  course_.see(end, after(end, -8), start_);
  course_.begin();
  EXPECT_EQ(course_.rest(end, start_), 0ms);
  course_.see(end, after(end, -1200), start_ + 1h);
  EXPECT_EQ(course_.rest(end, start_ + 1h), 100ms);
}

}  // namespace
}  // namespace walgate::mirror
