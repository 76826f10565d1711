// SPDX-License-Identifier: Apache-2.0
#include "collector/door/tally.h"

#include <gtest/gtest.h>

namespace vakt {
namespace {

constexpr uint64_t kMiB = 1 << 20;

TEST(TallyTest, ALargeMessageOnItsWayIsNothing) {
  Tally tally;
  tally.AddCall();
  EXPECT_FALSE(tally.IsExceeded(8 * kMiB, absl::ZeroDuration()));
  EXPECT_TRUE(tally.IsExceeded(17 * kMiB, absl::ZeroDuration()));
}

TEST(TallyTest, MessagesAccountForWhatCame) {
  Tally tally;
  // A terabyte in batches, with what HTTP/2 and TLS put around them.
  uint64_t received = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    tally.AddMessage(kMiB);
    received += kMiB + 64 * 9 + 5 + 65 * 22;
  }
  EXPECT_FALSE(tally.IsExceeded(received, absl::Seconds(10)));
  // Small ones, each in a frame and a record of its own.
  for (int i = 0; i < 1'000'000; ++i) {
    tally.AddMessage(100);
    received += 100 + 9 + 5 + 22;
  }
  EXPECT_FALSE(tally.IsExceeded(received, absl::Seconds(10)));
}

TEST(TallyTest, AYearOfPingsIsNothingAndAFloodOfThemIs) {
  Tally tally;
  const uint64_t ping = 9 + 8 + 22;
  EXPECT_FALSE(tally.IsExceeded(365 * 86'400 * ping, absl::Hours(365 * 24)));
  EXPECT_TRUE(tally.IsExceeded(1'000'000 * ping, absl::Seconds(1)));
}

}  // namespace
}  // namespace vakt
