// SPDX-License-Identifier: Apache-2.0
#include "agent/app/run_stamp.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

class RunStampTest : public ::testing::Test {
 protected:
  RunStamp::Run Now(int64_t wall_ns) const { return {"boot", "0.1.0", wall_ns, false}; }

  TemporaryDirectory dir_;
  const std::string path_ = dir_.path() + "/alive";
};

TEST_F(RunStampTest, TheFirstRunHasNoPrevious) {
  EXPECT_FALSE(RunStamp::ReadPrevious(path_).has_value());
}

TEST_F(RunStampTest, ARunThatWasStoppedSaysSo) {
  auto stamp = RunStamp::Begin(path_, Now(100));
  ASSERT_TRUE(stamp.ok());
  (*stamp)->Beat(150);
  (*stamp)->Stop(200);
  stamp->reset();
  const auto previous = RunStamp::ReadPrevious(path_);
  ASSERT_TRUE(previous.has_value());
  EXPECT_EQ(previous->boot_id, "boot");
  EXPECT_EQ(previous->version, "0.1.0");
  EXPECT_EQ(previous->last_wall_ns, 200);
  EXPECT_TRUE(previous->stopped);
}

TEST_F(RunStampTest, AKilledRunLeavesItsLastStamp) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto stamp = RunStamp::Begin(path_, Now(12345));
    while (!RunStamp::ReadPrevious(path_)) usleep(1000);
    raise(SIGKILL);
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  const auto previous = RunStamp::ReadPrevious(path_);
  ASSERT_TRUE(previous.has_value());
  EXPECT_EQ(previous->last_wall_ns, 12345);
  EXPECT_FALSE(previous->stopped);
}

TEST_F(RunStampTest, ADamagedStampIsNotBelieved) {
  { ASSERT_TRUE(RunStamp::Begin(path_, Now(100)).ok()); }
  std::fstream(path_, std::ios::in | std::ios::out) << "toob";
  EXPECT_FALSE(RunStamp::ReadPrevious(path_).has_value());
}

}  // namespace
}  // namespace vakt
