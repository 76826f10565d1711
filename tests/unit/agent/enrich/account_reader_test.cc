// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/account_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "common/base/file.h"
#include "common/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace vakt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class AccountReaderTest : public testing::Test {
 protected:
  AccountReaderTest() : dir_(StrCat(testing::TempDir(), "vakt_account_reader.", getpid())) {
    std::filesystem::create_directories(root_ + "/etc");
    Write(dir_ + "/secret", "outside:x:0:0::/:/bin/sh\n");
  }
  ~AccountReaderTest() override { std::filesystem::remove_all(dir_); }

  void Write(const std::string& path, std::string_view text) {
    ASSERT_TRUE(WriteFileAtomically(path, text, 0644).ok());
  }
  std::vector<std::string> Users() {
    std::vector<std::string> names;
    const auto accounts = ReadContainerAccounts(root_);
    if (!accounts.ok()) return {std::string(accounts.status().message())};
    for (const auto& user : accounts->users()) names.push_back(user.name());
    return names;
  }

  const std::string dir_;
  const std::string root_ = dir_ + "/root";
};

TEST_F(AccountReaderTest, UsersAndGroups) {
  Write(root_ + "/etc/passwd", "root:x:0:0::/root:/bin/sh\nno line\nweb:x:33:44::/srv:/bin/ash\n");
  Write(root_ + "/etc/group", "www:x:44:web\n");
  const auto accounts = ReadContainerAccounts(root_);
  ASSERT_TRUE(accounts.ok()) << accounts.status();
  ASSERT_EQ(accounts->users_size(), 2);
  EXPECT_EQ(accounts->users(1).id(), 33u);
  EXPECT_EQ(accounts->users(1).name(), "web");
  EXPECT_EQ(accounts->users(1).home(), "/srv");
  EXPECT_EQ(accounts->users(1).shell(), "/bin/ash");
  ASSERT_EQ(accounts->groups_size(), 1);
  EXPECT_EQ(accounts->groups(0).name(), "www");
}

TEST_F(AccountReaderTest, NobodyWithoutFiles) { EXPECT_THAT(Users(), IsEmpty()); }

TEST_F(AccountReaderTest, NoRootDirectory) {
  EXPECT_TRUE(absl::IsNotFound(ReadContainerAccounts(dir_ + "/none").status()));
}

TEST_F(AccountReaderTest, LinksStayWithinTheRoot) {
  std::filesystem::create_symlink(dir_ + "/secret", root_ + "/etc/passwd");
  EXPECT_THAT(Users(), IsEmpty());  // there is no such path in the container
  std::filesystem::create_directories(root_ + dir_);
  Write(root_ + dir_ + "/secret", "inside:x:1:1::/:/bin/sh\n");
  EXPECT_THAT(Users(), ElementsAre("inside"));
  std::filesystem::remove(root_ + "/etc/passwd");
  std::filesystem::create_symlink("../../../../../../secret", root_ + "/etc/passwd");
  EXPECT_THAT(Users(), IsEmpty());
  std::filesystem::remove_all(root_ + "/etc");
  std::filesystem::create_symlink("/../..", root_ + "/etc");
  EXPECT_THAT(Users(), IsEmpty());
}

TEST_F(AccountReaderTest, OnlyPlainFilesAreOpened) {
  ASSERT_EQ(mkfifo((root_ + "/etc/passwd").c_str(), 0666),
            0);  // to open it would wait for a writer
  EXPECT_THAT(Users(), ElementsAre("etc/passwd is no plain file"));
}

TEST_F(AccountReaderTest, Bounds) {
  std::string text;
  for (size_t i = 0; text.size() < 2 * AccountReader::kMaxFileBytes; ++i) {
    text += StrCat("u", i, ":x:", i, ":0:", std::string(200, 'c'), ":/:/bin/sh\n");
  }
  Write(root_ + "/etc/passwd", text);
  EXPECT_EQ(Users().size(), static_cast<size_t>(AccountReader::kMaxAccounts));
  // A line without an end is left out where the bound cuts it.
  Write(root_ + "/etc/passwd",
        StrCat("a:x:1:1::/:/s\nb:x:2:2::/:/", std::string(AccountReader::kMaxFileBytes, 's')));
  EXPECT_THAT(Users(), ElementsAre("a"));
  Write(root_ + "/etc/passwd", std::string(2 * AccountReader::kMaxFileBytes, 's'));
  EXPECT_THAT(Users(), IsEmpty());
}

TEST_F(AccountReaderTest, ReadsOnItsOwnThread) {
  Write(root_ + "/etc/passwd", "web:x:33:44::/srv:/bin/ash\n");
  std::atomic<int> calls = 0;
  AccountReader reader([&] { ++calls; });
  reader.Read("a", root_);
  reader.Read("b", dir_ + "/none");
  reader.WaitIdle(absl::Seconds(10));
  std::vector<v1::ContainerAccounts> read;
  reader.Take(&read);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].container_id(), "a");
  EXPECT_EQ(read[0].users(0).name(), "web");
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(reader.failures(), 1u);
}

}  // namespace
}  // namespace vakt
