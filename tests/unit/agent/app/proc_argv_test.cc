// SPDX-License-Identifier: Apache-2.0
#include "agent/app/proc_argv.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

TEST(ReadProcArgv, ReadsAtMostSixteenKibibytes) {
  const TemporaryDirectory directory;
  const std::string& root = directory.path();
  mkdir((root + "/42").c_str(), 0755);
  std::ofstream(root + "/42/cmdline") << std::string("sh\0-c\0", 6) << std::string(20000, 'x');
  const std::string argv = ReadProcArgv(42, root);
  EXPECT_EQ(argv.size(), 16384u);
  EXPECT_EQ(argv.substr(0, 6), std::string("sh\0-c\0", 6));
}

TEST(ReadProcEnv, ReadsAtMostFourKibibytes) {
  const TemporaryDirectory directory;
  const std::string& root = directory.path();
  mkdir((root + "/42").c_str(), 0755);
  std::ofstream(root + "/42/environ") << std::string("A=1\0", 4) << std::string(20000, 'x');
  const std::string env = ReadProcEnv(42, root);
  EXPECT_EQ(env.size(), 4096u);
  EXPECT_EQ(env.substr(0, 4), std::string("A=1\0", 4));
}

TEST(ReadProcArgv, AProcessThatIsGoneHasNone) { EXPECT_EQ(ReadProcArgv(42, "/nonexistent"), ""); }

}  // namespace
}  // namespace vakt
