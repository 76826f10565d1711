// SPDX-License-Identifier: Apache-2.0
#include "agent/app/flow_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "absl/time/clock.h"
#include "common/base/file.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

constexpr char kPay[] = "segments:\n  - name: pay\n    namespaces: [shop]\n";
constexpr char kOffice[] = "segments:\n  - name: office\n    namespaces: [shop]\n";

class FlowFilesTest : public ::testing::Test {
 protected:
  void Write(const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(paths_.segments, text, 0600).ok());
  }
  // The segment of namespace shop in what is offered next; waits for it.
  std::string NextSegment(FlowFiles* files) {
    for (;;) {
      const auto contents = files->Take();
      if (contents.has_value()) return std::string(contents->segments->Find("shop", ""));
      absl::SleepFor(absl::Milliseconds(5));
    }
  }

  TemporaryDirectory directory_;
  FlowFilePaths paths_ = {.segments = directory_.path() + "/segments.yaml"};
};

TEST_F(FlowFilesTest, AreReadAgainWhenTheyChangeAndWhenAsked) {
  Write(kPay);
  auto files = FlowFiles::Start(paths_);
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(NextSegment(files->get()), "pay");
  EXPECT_FALSE((*files)->Take().has_value()) << "nothing is new";
  Write(kOffice);  // nobody asks: the change shows by itself
  EXPECT_EQ(NextSegment(files->get()), "office");
  (*files)->Request();  // the same again
  EXPECT_EQ(NextSegment(files->get()), "office");
  EXPECT_EQ((*files)->loaded(), 2u);
  EXPECT_EQ((*files)->refused(), 0u);
}

TEST_F(FlowFilesTest, ABadFileChangesNothingAndIsCounted) {
  Write(kPay);
  auto files = FlowFiles::Start(paths_);
  ASSERT_TRUE(files.ok());
  EXPECT_EQ(NextSegment(files->get()), "pay");
  Write("segments: nonsense\n");
  (*files)->Request();
  while ((*files)->refused() == 0) absl::SleepFor(absl::Milliseconds(5));
  EXPECT_FALSE((*files)->Take().has_value());
  ASSERT_EQ(unlink(paths_.segments.c_str()), 0);
  (*files)->Request();
  while ((*files)->refused() == 1) absl::SleepFor(absl::Milliseconds(5));
  EXPECT_FALSE((*files)->Take().has_value());
  Write(kOffice);
  (*files)->Request();
  EXPECT_EQ(NextSegment(files->get()), "office");
}

TEST_F(FlowFilesTest, TheFirstReadMustSucceed) {
  EXPECT_FALSE(FlowFiles::Start(paths_).ok());
  Write("segments: nonsense\n");
  EXPECT_FALSE(FlowFiles::Start(paths_).ok());
  EXPECT_FALSE(FlowFiles::Start({.countries = paths_.segments}).ok());
  EXPECT_FALSE(FlowFiles::Start({.systems = "/nonexistent"}).ok());
  auto none = FlowFiles::Start({});
  ASSERT_TRUE(none.ok());
  EXPECT_EQ((*none)->Take()->segments, nullptr);
  (*none)->Request();
}

}  // namespace
}  // namespace vakt
