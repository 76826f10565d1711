// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/account_table.h"

#include <unistd.h>

#include <filesystem>
#include <string>

#include "common/base/file.h"
#include "common/base/strings.h"
#include "gtest/gtest.h"

namespace vakt {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

class AccountTableTest : public testing::Test {
 protected:
  AccountTableTest() : dir_(StrCat(testing::TempDir(), "vakt_account_test.", getpid())) {
    std::filesystem::create_directory(dir_);
    files_ = {StrCat(dir_, "/passwd"), StrCat(dir_, "/group")};
  }
  ~AccountTableTest() override { std::filesystem::remove_all(dir_); }

  void WritePasswd(std::string_view text) {
    ASSERT_TRUE(WriteFileAtomically(files_.passwd_path, text, 0644).ok());
  }
  void WriteGroup(std::string_view text) {
    ASSERT_TRUE(WriteFileAtomically(files_.group_path, text, 0644).ok());
  }

  const std::string dir_;
  AccountFiles files_;
};

TEST_F(AccountTableTest, NamesFromFiles) {
  WritePasswd("root:x:0:0:root:/root:/bin/bash\neve:x:1000:1000:Eve,,,:/home/eve:\n");
  WriteGroup("root:x:0:\nwheel:x:10:eve,bob");  // no newline at the end
  const AccountTable table(files_);
  EXPECT_EQ(table.User(0).name, "root");
  EXPECT_EQ(table.User(0).home, "/root");
  EXPECT_EQ(table.User(0).shell, "/bin/bash");
  EXPECT_EQ(table.User(1000).name, "eve");
  EXPECT_EQ(table.User(1000).shell, "");
  EXPECT_EQ(table.Group(10).name, "wheel");
}

TEST_F(AccountTableTest, UnknownIds) {
  const AccountTable table(files_);  // no files at all
  EXPECT_EQ(table.User(1).name, "<NA>");
  EXPECT_EQ(table.User(1).home, "<NA>");
  EXPECT_EQ(table.User(0xffffffff).shell, "<NA>");
  EXPECT_EQ(table.Group(1).name, "<NA>");
}

TEST_F(AccountTableTest, MalformedLinesAreSkippedAndTheFirstOfAnIdCounts) {
  WritePasswd(
      "\n#comment\nshort:x:1\nbad:x:abc:0::/:/\nneg:x:-1:0::/:/\nbig:x:99999999999:0::/:/\n"
      "long:x:5:0::/:/sh:extra\nfirst:x:7:0::/:/sh\nsecond:x:7:0::/:/sh\n+::::::\n");
  const AccountTable table(files_);
  EXPECT_EQ(table.User(7).name, "first");
  EXPECT_EQ(table.User(1).name, "<NA>");
  EXPECT_EQ(table.User(5).name, "<NA>");
}

TEST_F(AccountTableTest, ReloadsWhenAFileChangesAtMostOnceASecond) {
  WritePasswd("old:x:1:1::/:/sh\n");
  AccountTable table(files_);
  const uint32_t generation = table.generation();
  table.ReloadIfChanged(10 * kSecondNs);
  EXPECT_EQ(table.generation(), generation);  // nothing has changed

  WritePasswd("new:x:1:1::/:/sh\n");
  table.ReloadIfChanged(10 * kSecondNs + 1);  // too early to look
  EXPECT_EQ(table.User(1).name, "old");
  table.ReloadIfChanged(11 * kSecondNs);
  EXPECT_EQ(table.User(1).name, "new");
  EXPECT_NE(table.generation(), generation);

  std::filesystem::remove(files_.passwd_path);
  table.ReloadIfChanged(13 * kSecondNs);
  EXPECT_EQ(table.User(1).name, "new");  // kept while the file is missing
}

TEST_F(AccountTableTest, TravelsWithTheNodeFacts) {
  WritePasswd("b:x:2:2::/home/b:/bin/sh\na:x:1:1::/home/a:/bin/zsh\n");
  WriteGroup("g:x:3:\n");
  v1::NodeFacts node;
  AccountTable(files_).ToProto(&node);
  ASSERT_EQ(node.users_size(), 2);
  EXPECT_EQ(node.users(0).name(), "a");  // sorted by id
  AccountTable replayed(node);
  EXPECT_EQ(replayed.User(2).name, "b");
  EXPECT_EQ(replayed.User(1).home, "/home/a");
  EXPECT_EQ(replayed.User(1).shell, "/bin/zsh");
  EXPECT_EQ(replayed.Group(3).name, "g");
  replayed.ReloadIfChanged(99 * kSecondNs);  // there is nothing to reload from
  EXPECT_EQ(replayed.User(2).name, "b");
}

}  // namespace
}  // namespace vakt
