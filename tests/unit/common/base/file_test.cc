// SPDX-License-Identifier: Apache-2.0
#include "common/base/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace vakt {
namespace {

using testing::HasSubstr;

class FileTest : public testing::Test {
 protected:
  FileTest() : dir_(StrCat(testing::TempDir(), "vakt_file_test.", getpid())) {
    std::filesystem::create_directory(dir_);
  }
  ~FileTest() override { std::filesystem::remove_all(dir_); }
  std::string Path(std::string_view name) const { return StrCat(dir_, "/", name); }

  const std::string dir_;
};

mode_t ModeOf(const std::string& path) {
  struct stat st {};
  EXPECT_EQ(stat(path.c_str(), &st), 0);
  return st.st_mode & 07777;
}

TEST_F(FileTest, WritesAndReadsBack) {
  const std::string contents(200'000, 'x');
  ASSERT_TRUE(WriteFileAtomically(Path("a"), "old", 0644).ok());
  ASSERT_TRUE(WriteFileAtomically(Path("a"), contents, 0600).ok());
  const auto read = ReadFile(Path("a"));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, contents);
  EXPECT_EQ(ModeOf(Path("a")), 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 1);  // nothing left over
}

TEST_F(FileTest, WriteFailureLeavesNothingAndNamesThePath) {
  const absl::Status status = WriteFileAtomically(Path("missing/a"), "x", 0600);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(status), HasSubstr(Path("missing/a")));
  // A directory cannot be replaced by a file.
  std::filesystem::create_directory(Path("d"));
  EXPECT_FALSE(WriteFileAtomically(Path("d"), "x", 0600).ok());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 1);
}

TEST_F(FileTest, ReadLimitIsExact) {
  ASSERT_TRUE(WriteFileAtomically(Path("a"), "12345", 0600).ok());
  EXPECT_TRUE(ReadFile(Path("a"), 5).ok());
  const auto too_large = ReadFile(Path("a"), 4);
  EXPECT_EQ(too_large.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Message(too_large.status()), HasSubstr("limit of 4 bytes"));
}

TEST_F(FileTest, ReadsFilesThatReportNoSize) {
  const auto status = ReadFile("/proc/self/status");
  ASSERT_TRUE(status.ok());
  EXPECT_THAT(*status, HasSubstr("Pid:"));
}

TEST_F(FileTest, MissingFileIsNotFound) {
  const auto missing = ReadFile(Path("none"));
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Message(missing.status()),
            StrCat("open ", Path("none"), ": No such file or directory"));
}

TEST_F(FileTest, MakesDirectoriesWithParents) {
  ASSERT_TRUE(MakeDirectories(Path("a/b//c/"), 0700).ok());
  ASSERT_TRUE(MakeDirectories(Path("a/b/c"), 0755).ok());  // there already
  EXPECT_EQ(ModeOf(Path("a/b")), 0700u);
  EXPECT_EQ(ModeOf(Path("a/b/c")), 0700u);
  ASSERT_TRUE(WriteFileAtomically(Path("f"), "", 0600).ok());
  EXPECT_FALSE(MakeDirectories(Path("f"), 0700).ok());
  EXPECT_FALSE(MakeDirectories(Path("f/g"), 0700).ok());
}

}  // namespace
}  // namespace vakt
