// course_test.cpp - how far the mirror may be while it catches up, and when nothing holds it back.

#include "mirror/course.hpp"

#include <gtest/gtest.h>

namespace walgate::mirror {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t megabyte = 1024UL * 1024;

/// A position so many megabytes into the WAL.
constexpr Lsn at(std::uint64_t megabytes) {
  return Lsn{megabytes * megabyte};
}

class CourseTest : public testing::Test {
 protected:
  /// Whole megabytes.
  [[nodiscard]] std::uint64_t bound_after(std::chrono::milliseconds time) const {
    return (course_.bound(start_ + time).value + megabyte / 2) / megabyte;
  }

  Course course_{2min};
  Course::Clock::time_point start_ = Course::Clock::now();
};

TEST_F(CourseTest, NeedsToSeeThePositionFirst) {
  EXPECT_EQ(course_.bound(start_), Course::unbounded);
}

TEST_F(CourseTest, IsDoneInItsTime) {
  course_.see(at(9000), at(7800), start_);
  EXPECT_EQ(bound_after(0s), 7800);
  EXPECT_EQ(bound_after(1s), 7810);
  EXPECT_EQ(bound_after(60s), 8400);
  EXPECT_EQ(bound_after(119s), 8990);
  EXPECT_EQ(course_.bound(start_ + 120s), Course::unbounded);
}

TEST_F(CourseTest, GoesWithTheSource) {
  course_.see(at(9000), at(7800), start_);
  course_.see(at(9020), at(7805), start_ + 1s);  // 20 MB each second
  EXPECT_EQ(bound_after(1s), 7830);
  EXPECT_EQ(bound_after(2s), 7860);
  course_.see(at(9020), at(7805), start_ + 2s);  // and no more
  EXPECT_EQ(bound_after(3s), 7850);
}

TEST_F(CourseTest, HoldsNobodyBackWhoIsLate) {
  course_.see(at(9000), at(7800), start_);
  course_.see(at(14000), at(7900), start_ + 30s);
  EXPECT_GT(bound_after(30s), 13000);
  EXPECT_EQ(course_.bound(start_ + 120s), Course::unbounded);
}

TEST_F(CourseTest, IsShortForLittle) {
  course_.see(at(9000), at(8992), start_);
  EXPECT_EQ(bound_after(1s), 8996);
  EXPECT_EQ(course_.bound(start_ + 2s), Course::unbounded);
}

TEST_F(CourseTest, HoldsNobodyBackWhoIsNotBehind) {
  course_.see(at(9000), at(9001), start_);
  EXPECT_EQ(course_.bound(start_), Course::unbounded);
}

TEST_F(CourseTest, IsNoneWithoutTime) {
  Course at_once{0ms};
  at_once.see(at(9000), at(7800), start_);
  EXPECT_EQ(at_once.bound(start_), Course::unbounded);
}

TEST_F(CourseTest, IsAbandonedForGood) {
  course_.see(at(9000), at(7800), start_);
  course_.abandon();
  course_.see(at(9000), at(7900), start_ + 1s);
  EXPECT_EQ(course_.bound(start_ + 1s), Course::unbounded);
  course_.leave();
  course_.see(at(9000), at(8400), start_ + 2s);
  EXPECT_EQ(bound_after(2s), 8400);
}

TEST_F(CourseTest, IsLeftAndBeginsAnew) {
  course_.see(at(9000), at(7800), start_);
  course_.leave();
  EXPECT_EQ(course_.bound(start_), Course::unbounded);
  course_.see(at(9000), at(8400), start_ + 1h);
  EXPECT_EQ(bound_after(1h), 8400);
  EXPECT_EQ(bound_after(1h + 1s), 8405);
}

}  // namespace
}  // namespace walgate::mirror
