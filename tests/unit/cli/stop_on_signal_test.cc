// SPDX-License-Identifier: Apache-2.0
#include "cli/stop_on_signal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>

namespace vakt {
namespace {

bool StopsSoon(const std::stop_token& token) {
  std::mutex mutex;
  std::condition_variable_any wakeup;
  std::unique_lock lock(mutex);
  wakeup.wait_for(lock, token, std::chrono::seconds(30), [] { return false; });
  return token.stop_requested();
}

// In a process of its own: threads that other tests have left would take the signal and die.
TEST(StopOnSignalDeathTest, StopsOnEitherSignal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const int signal : {SIGINT, SIGTERM}) {
    EXPECT_EXIT(
        {
          const StopOnSignal stop(absl::InfiniteDuration());
          if (stop.token().stop_requested()) exit(1);
          kill(getpid(), signal);
          exit(StopsSoon(stop.token()) ? 0 : 2);
        },
        ::testing::ExitedWithCode(0), "");
  }
}

TEST(StopOnSignalTest, StopsAtTheDeadline) {
  const StopOnSignal stop(absl::Milliseconds(1));
  EXPECT_TRUE(StopsSoon(stop.token()));
}

TEST(StopOnSignalTest, RestoresTheMask) {
  { const StopOnSignal stop(absl::InfiniteDuration()); }
  sigset_t mask;
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &mask), 0);
  EXPECT_EQ(sigismember(&mask, SIGINT), 0);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
}

}  // namespace
}  // namespace vakt
