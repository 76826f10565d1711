// SPDX-License-Identifier: Apache-2.0
#include "agent/app/clock_watch.h"

#include <gtest/gtest.h>

namespace vakt {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kTenYears = int64_t{3652} * 86'400 * kSecond;

class SetClock : public Clock {
 public:
  int64_t BootNs() const override { return boot_ns; }
  int64_t WallNs() const override { return wall_ns; }
  void Run(int64_t ns) {
    boot_ns += ns;
    wall_ns += ns;
  }
  int64_t boot_ns = 5 * kSecond;
  int64_t wall_ns = 1'700'000'000 * kSecond;
};

TEST(ClockWatchTest, TimeThatPassesIsNoStepNorIsSlewing) {
  SetClock clock;
  ClockWatch watch(clock);
  for (int i = 0; i < 1000; ++i) {
    clock.Run(kSecond);
    clock.wall_ns += 500'000;  // NTP's 500 ppm
    EXPECT_FALSE(watch.Check().has_value());
  }
  EXPECT_EQ(watch.boot_to_wall_ns(), clock.wall_ns - clock.boot_ns);
}

TEST(ClockWatchTest, AStepIsToldOnceWithWhereItWentFromAndTo) {
  for (const int64_t step_ns : {kTenYears, -kTenYears, kSecond, -kSecond}) {
    SetClock clock;
    ClockWatch watch(clock);
    clock.Run(kSecond);
    const int64_t before = clock.wall_ns;
    clock.wall_ns += step_ns;
    const auto step = watch.Check();
    ASSERT_TRUE(step.has_value());
    EXPECT_EQ(step->step_ns(), step_ns);
    EXPECT_EQ(step->from_wall_ns, before);
    EXPECT_EQ(step->to_wall_ns, before + step_ns);
    EXPECT_EQ(watch.boot_to_wall_ns(), clock.wall_ns - clock.boot_ns);
    clock.Run(kSecond);
    EXPECT_FALSE(watch.Check().has_value());
  }
}

}  // namespace
}  // namespace vakt
