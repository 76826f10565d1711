// SPDX-License-Identifier: Apache-2.0
// The time that records expire by, when the wall clock is set.
#include "collector/store/retention_clock.h"

#include "gtest/gtest.h"

namespace vakt {
namespace {

constexpr absl::Duration kYear = absl::Hours(365 * 24);

class SetClock final : public Clock {
 public:
  int64_t BootNs() const override { return absl::ToInt64Nanoseconds(boot_); }
  int64_t WallNs() const override { return absl::ToInt64Nanoseconds(boot_ + offset_); }
  void Pass(absl::Duration time) { boot_ += time; }
  void Set(absl::Duration by) { offset_ += by; }

 private:
  absl::Duration boot_ = absl::Minutes(5);
  absl::Duration offset_ = 50 * kYear;
};

class RetentionClockTest : public ::testing::Test {
 protected:
  int64_t Wall(absl::Duration off = absl::ZeroDuration()) const {
    return clock_.WallNs() + absl::ToInt64Nanoseconds(off);
  }
  SetClock clock_;
};

TEST_F(RetentionClockTest, GoesByTheWallClock) {
  RetentionClock retention(clock_, 0);
  clock_.Pass(absl::Hours(1000));
  EXPECT_EQ(retention.Read().now_ns, Wall());
  for (int i = 0; i < 5; ++i) {  // adjusted time and again, which comes to hours
    clock_.Set(absl::Minutes(50));
    clock_.Pass(absl::Minutes(1));
    const auto reading = retention.Read();
    EXPECT_EQ(reading.now_ns, Wall());
    EXPECT_EQ(reading.distrust, absl::ZeroDuration());
  }
}

TEST_F(RetentionClockTest, DoesNotBelieveAJumpAhead) {
  RetentionClock retention(clock_, 0);
  clock_.Set(10 * kYear);
  clock_.Pass(absl::Hours(2));
  auto reading = retention.Read();
  EXPECT_EQ(reading.now_ns, Wall(-10 * kYear));
  EXPECT_EQ(reading.distrust, 10 * kYear);
  clock_.Pass(absl::Hours(24));
  EXPECT_EQ(retention.Read().now_ns, Wall(-10 * kYear));
  clock_.Set(-10 * kYear);
  reading = retention.Read();
  EXPECT_EQ(reading.now_ns, Wall());
  EXPECT_EQ(reading.distrust, absl::ZeroDuration());
}

TEST_F(RetentionClockTest, AClockThatWasSetBackIsBelievedAgainWhenItIsRight) {
  RetentionClock retention(clock_, 0);
  clock_.Set(-10 * kYear);
  EXPECT_EQ(retention.Read().now_ns, Wall());
  clock_.Pass(absl::Hours(1));
  clock_.Set(10 * kYear);
  const auto reading = retention.Read();
  EXPECT_EQ(reading.now_ns, Wall());
  EXPECT_EQ(reading.distrust, absl::ZeroDuration());
}

TEST_F(RetentionClockTest, BelievesThatItWasOffForAMonthAndNotForTenYears) {
  const int64_t last = Wall();
  clock_.Set(absl::Hours(30 * 24));
  EXPECT_EQ(RetentionClock(clock_, last).Read().now_ns, Wall());
  clock_.Set(10 * kYear);
  RetentionClock retention(clock_, last);
  const auto reading = retention.Read();
  EXPECT_EQ(reading.now_ns, last + absl::ToInt64Nanoseconds(kLongestPause));
  EXPECT_GT(reading.distrust, 9 * kYear);
}

}  // namespace
}  // namespace vakt
