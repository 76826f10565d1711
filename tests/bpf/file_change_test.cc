// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstdlib>

#include "tests/bpf/bpf_test_base.h"

namespace vakt {
namespace {

// What a call should leave in its record; what is not set here is expected to be absent.
struct Change {
  long nr = 0;
  int result = 0;
  std::string name;   // argument
  std::string base;   // where a relative one starts, or the path of the object behind fd
  std::string other;  // second path argument
  std::string other_base;
  std::string text;
  bool has_fd = false;
  bool has_dirfd = false;
  uint32_t flags = 0;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t number = 0;
};

class FileChangeTest : public BpfTest {
 protected:
  void SetUp() override {
    BpfTest::SetUp();
    if (IsSkipped()) return;
    dir_ = "/tmp/vakt-change-XXXXXX";
    ASSERT_NE(mkdtemp(dir_.data()), nullptr);
  }
  void TearDown() override {
    if (!dir_.empty()) std::ignore = std::system(("rm -rf " + dir_).c_str());
  }

  std::string In(const std::string& name) const { return dir_ + "/" + name; }
  void MakeFile(const std::string& name) {
    const int fd = open(In(name).c_str(), O_CREAT | O_WRONLY, 0600);
    ASSERT_GE(fd, 0);
    close(fd);
  }

  // Runs `act` with the test's directory as working directory; expects these changes and no others.
  void ExpectChanges(Kind kind, const std::function<int()>& act,
                     const std::vector<Change>& expected) {
    if (!sensor_) StartSensor(KindBit(kind));
    int status = 0;
    const pid_t pid = cgroup_->Run([&] { return chdir(dir_.c_str()) != 0 ? 98 : act(); }, &status);
    ASSERT_EQ(status, 0);
    const auto events = Of<vakt_file_change>(DrainAll(*sensor_), kind, pid);
    ASSERT_EQ(events.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      SCOPED_TRACE("call " + std::to_string(i));
      ExpectTask(events[i].first.header, events[i].first.task, pid,
                 FindKind(static_cast<uint16_t>(kind))->lane);
      ExpectNamespaces(events[i].first.task);
      ExpectChange(events[i].first, events[i].second, expected[i]);
    }
  }

  void ExpectChange(const vakt_file_change& e, const CapturedRecord& record, const Change& want) {
    EXPECT_EQ(e.syscall_nr, static_cast<uint32_t>(want.nr));
    EXPECT_EQ(e.result, want.result);
    EXPECT_EQ(record.Text(e.name_raw), want.name);
    EXPECT_EQ(record.Text(e.file.path), want.base);
    EXPECT_EQ(record.Text(e.other_raw), want.other);
    EXPECT_EQ(record.Text(e.other_base), want.other_base);
    EXPECT_EQ(record.Text(e.text), want.text);
    EXPECT_EQ(e.fd >= 0, want.has_fd);
    EXPECT_EQ(e.dirfd != AT_FDCWD, want.has_dirfd);
    EXPECT_EQ(e.flags, want.flags);
    EXPECT_EQ(e.mode, want.mode);
    EXPECT_EQ(e.uid, want.uid);
    EXPECT_EQ(e.gid, want.gid);
    EXPECT_EQ(e.number, want.number);
    EXPECT_EQ(e.facts, 0u);
    EXPECT_EQ(e.file.mode != 0, want.has_fd);
    if (!want.base.empty()) {
      EXPECT_EQ(e.file.path_status, static_cast<uint32_t>(VAKT_PATH_OK));
    }
    if (!want.other_base.empty()) {
      EXPECT_EQ(e.other_status, static_cast<uint32_t>(VAKT_PATH_OK));
    }
  }

  std::string dir_;
};

TEST_F(FileChangeTest, file_unlink) {
  for (const char* name : {"a", "b", "c"}) MakeFile(name);
  ASSERT_EQ(mkdir(In("d").c_str(), 0700), 0);
  ASSERT_EQ(mkdir(In("e").c_str(), 0700), 0);
  ExpectChanges(Kind::file_unlink,
                [&] {
                  const int dir = open(dir_.c_str(), O_PATH | O_DIRECTORY);
                  return syscall(SYS_unlink, In("a").c_str()) != 0 ||
                         syscall(SYS_unlink, "b") != 0 || unlinkat(dir, "c", 0) != 0 ||
                         syscall(SYS_rmdir, "d") != 0 ||
                         unlinkat(AT_FDCWD, In("e").c_str(), AT_REMOVEDIR) != 0 ||
                         syscall(SYS_unlink, "nothing") == 0;
                },
                {{.nr = SYS_unlink, .name = In("a")},
                 {.nr = SYS_unlink, .name = "b", .base = dir_},
                 {.nr = SYS_unlinkat, .name = "c", .base = dir_, .has_dirfd = true},
                 {.nr = SYS_rmdir, .name = "d", .base = dir_},
                 {.nr = SYS_unlinkat, .name = In("e"), .flags = AT_REMOVEDIR},
                 {.nr = SYS_unlink, .result = -ENOENT, .name = "nothing", .base = dir_}});
}

TEST_F(FileChangeTest, file_rename) {
  for (const char* name : {"a", "b", "c"}) MakeFile(name);
  ExpectChanges(Kind::file_rename,
                [&] {
                  const int dir = open(dir_.c_str(), O_PATH | O_DIRECTORY);
                  return syscall(SYS_rename, "a", In("a2").c_str()) != 0 ||
                         syscall(SYS_renameat, dir, "b", AT_FDCWD, "b2") != 0 ||
                         syscall(SYS_renameat2, AT_FDCWD, In("c").c_str(), dir, "c2",
                                 RENAME_NOREPLACE) ||
                         syscall(SYS_rename, "none", "x") == 0;
                },
                {{.nr = SYS_rename, .name = "a", .base = dir_, .other = In("a2")},
                 {.nr = SYS_renameat,
                  .name = "b",
                  .base = dir_,
                  .other = "b2",
                  .other_base = dir_,
                  .has_dirfd = true},
                 {.nr = SYS_renameat2,
                  .name = In("c"),
                  .other = "c2",
                  .other_base = dir_,
                  .flags = RENAME_NOREPLACE},
                 {.nr = SYS_rename,
                  .result = -ENOENT,
                  .name = "none",
                  .base = dir_,
                  .other = "x",
                  .other_base = dir_}});
}

TEST_F(FileChangeTest, file_link) {
  MakeFile("a");
  ExpectChanges(Kind::file_link,
                [&] {
                  return syscall(SYS_link, "a", In("b").c_str()) != 0 ||
                         linkat(AT_FDCWD, "a", AT_FDCWD, "c", AT_SYMLINK_FOLLOW) != 0 ||
                         syscall(SYS_link, "a", "b") == 0;
                },
                {{.nr = SYS_link, .name = "a", .base = dir_, .other = In("b")},
                 {.nr = SYS_linkat,
                  .name = "a",
                  .base = dir_,
                  .other = "c",
                  .other_base = dir_,
                  .flags = AT_SYMLINK_FOLLOW},
                 {.nr = SYS_link,
                  .result = -EEXIST,
                  .name = "a",
                  .base = dir_,
                  .other = "b",
                  .other_base = dir_}});
}

TEST_F(FileChangeTest, file_symlink) {
  ExpectChanges(
      Kind::file_symlink,
      [&] {
        const int dir = open(dir_.c_str(), O_PATH | O_DIRECTORY);
        return syscall(SYS_symlink, "/etc/shadow", "s") != 0 ||
               symlinkat("target", dir, "t") != 0 || syscall(SYS_symlink, "x", "s") == 0;
      },
      {{.nr = SYS_symlink, .name = "s", .base = dir_, .text = "/etc/shadow"},
       {.nr = SYS_symlinkat, .name = "t", .base = dir_, .text = "target", .has_dirfd = true},
       {.nr = SYS_symlink, .result = -EEXIST, .name = "s", .base = dir_, .text = "x"}});
}

TEST_F(FileChangeTest, file_mkdir) {
  ExpectChanges(Kind::file_mkdir,
                [&] {
                  return syscall(SYS_mkdir, "d", 0750) != 0 || mkdirat(AT_FDCWD, "e", 0700) != 0 ||
                         syscall(SYS_mkdir, In("d").c_str(), 0700) == 0;
                },
                {{.nr = SYS_mkdir, .name = "d", .base = dir_, .mode = 0750},
                 {.nr = SYS_mkdirat, .name = "e", .base = dir_, .mode = 0700},
                 {.nr = SYS_mkdir, .result = -EEXIST, .name = In("d"), .mode = 0700}});
}

TEST_F(FileChangeTest, file_mknod) {
  ExpectChanges(
      Kind::file_mknod,
      [&] {
        return syscall(SYS_mknod, "p", S_IFIFO | 0600, 0) != 0 ||
               syscall(SYS_mknodat, AT_FDCWD, "null", S_IFCHR | 0600, makedev(1, 3)) != 0 ||
               syscall(SYS_mknod, "p", S_IFIFO | 0600, 0) == 0;
      },
      {{.nr = SYS_mknod, .name = "p", .base = dir_, .mode = S_IFIFO | 0600},
       {.nr = SYS_mknodat,
        .name = "null",
        .base = dir_,
        .mode = S_IFCHR | 0600,
        .number = makedev(1, 3)},
       {.nr = SYS_mknod, .result = -EEXIST, .name = "p", .base = dir_, .mode = S_IFIFO | 0600}});
}

TEST_F(FileChangeTest, file_chmod) {
  MakeFile("a");
  ExpectChanges(Kind::file_chmod,
                [&] {
                  const int fd = open("a", O_RDWR);
                  return syscall(SYS_chmod, "a", 04755) != 0 || fchmod(fd, 0600) != 0 ||
                         syscall(SYS_fchmodat, AT_FDCWD, In("a").c_str(), 0700) != 0 ||
                         syscall(SYS_chmod, "none", 0700) == 0;
                },
                {{.nr = SYS_chmod, .name = "a", .base = dir_, .mode = 04755},
                 {.nr = SYS_fchmod, .base = In("a"), .has_fd = true, .mode = 0600},
                 {.nr = SYS_fchmodat, .name = In("a"), .mode = 0700},
                 {.nr = SYS_chmod, .result = -ENOENT, .name = "none", .base = dir_, .mode = 0700}});
}

TEST_F(FileChangeTest, file_chown) {
  MakeFile("a");
  ExpectChanges(
      Kind::file_chown,
      [&] {
        const int fd = open("a", O_RDWR);
        return syscall(SYS_chown, "a", 1, 2) != 0 || syscall(SYS_lchown, "a", 3, 4) != 0 ||
               fchown(fd, 5, -1) != 0 || fchownat(AT_FDCWD, "a", 6, 7, AT_SYMLINK_NOFOLLOW) != 0 ||
               syscall(SYS_chown, "none", 1, 2) == 0;
      },
      {{.nr = SYS_chown, .name = "a", .base = dir_, .uid = 1, .gid = 2},
       {.nr = SYS_lchown, .name = "a", .base = dir_, .uid = 3, .gid = 4},
       {.nr = SYS_fchown, .base = In("a"), .has_fd = true, .uid = 5, .gid = ~0u},
       {.nr = SYS_fchownat,
        .name = "a",
        .base = dir_,
        .flags = AT_SYMLINK_NOFOLLOW,
        .uid = 6,
        .gid = 7},
       {.nr = SYS_chown, .result = -ENOENT, .name = "none", .base = dir_, .uid = 1, .gid = 2}});
}

TEST_F(FileChangeTest, file_setxattr) {
  MakeFile("a");
  ExpectChanges(
      Kind::file_setxattr,
      [&] {
        const int fd = open("a", O_RDWR);
        // Whether the file system keeps such attributes does not matter here.
        setxattr("a", "trusted.vakt", "v", 1, XATTR_CREATE);
        lsetxattr("a", "trusted.vakt", "vw", 2, 0);
        fsetxattr(fd, "trusted.vakt", "v", 1, 0);
        removexattr("a", "trusted.vakt");
        return setxattr("none", "trusted.vakt", "v", 1, 0) == 0;
      },
      {{.nr = SYS_setxattr,
        .name = "a",
        .base = dir_,
        .text = "trusted.vakt",
        .flags = XATTR_CREATE,
        .number = 1},
       {.nr = SYS_lsetxattr, .name = "a", .base = dir_, .text = "trusted.vakt", .number = 2},
       {.nr = SYS_fsetxattr, .base = In("a"), .text = "trusted.vakt", .has_fd = true, .number = 1},
       {.nr = SYS_removexattr, .name = "a", .base = dir_, .text = "trusted.vakt"},
       {.nr = SYS_setxattr,
        .result = -ENOENT,
        .name = "none",
        .base = dir_,
        .text = "trusted.vakt",
        .number = 1}});
}

TEST_F(FileChangeTest, file_truncate) {
  MakeFile("a");
  ExpectChanges(
      Kind::file_truncate,
      [&] {
        const int fd = open("a", O_RDWR);
        return truncate("a", 5) != 0 || ftruncate(fd, 0) != 0 || truncate("none", 1) == 0;
      },
      {{.nr = SYS_truncate, .name = "a", .base = dir_, .number = 5},
       {.nr = SYS_ftruncate, .base = In("a"), .has_fd = true},
       {.nr = SYS_truncate, .result = -ENOENT, .name = "none", .base = dir_, .number = 1}});
}

TEST_F(FileChangeTest, file_mount_and_file_umount) {
  ASSERT_EQ(mkdir(In("m").c_str(), 0700), 0);
  StartSensor(KindBit(Kind::file_mount) | KindBit(Kind::file_umount));
  int status = 0;
  const pid_t pid = cgroup_->Run(
      [&] {
        const std::string m = In("m");
        if (unshare(CLONE_NEWNS) != 0) return 1;
        if (mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 2;
        if (mount("none", m.c_str(), "tmpfs", MS_NOSUID, nullptr) != 0) return 3;
        if (umount2(m.c_str(), MNT_DETACH) != 0) return 4;
        const int tree =
            static_cast<int>(syscall(SYS_open_tree, AT_FDCWD, "/tmp", OPEN_TREE_CLONE));
        if (tree < 0) return 5;
        if (syscall(SYS_move_mount, tree, "", AT_FDCWD, m.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
          return 6;
        return mount("none", "/none", "tmpfs", 0, nullptr) == 0 ? 7 : 0;
      },
      &status);
  ASSERT_EQ(status, 0);
  const auto all = DrainAll(*sensor_);
  const auto mounts = Of<vakt_file_change>(all, Kind::file_mount, pid);
  const auto umounts = Of<vakt_file_change>(all, Kind::file_umount, pid);
  ASSERT_EQ(mounts.size(), 5u);
  ASSERT_EQ(umounts.size(), 1u);
  ExpectTask(mounts[0].first.header, mounts[0].first.task, pid, Lane::CRITICAL);
  ExpectChange(mounts[0].first, mounts[0].second,
               {.nr = SYS_mount, .name = "/", .flags = MS_REC | MS_PRIVATE});
  ExpectChange(mounts[2].first, mounts[2].second,
               {.nr = SYS_open_tree,
                .result = mounts[2].first.result,
                .name = "/tmp",
                .flags = OPEN_TREE_CLONE});
  EXPECT_GE(mounts[2].first.result, 3);
  EXPECT_EQ(mounts[1].second.Text(mounts[1].first.name_raw), In("m"));
  EXPECT_EQ(mounts[1].second.Text(mounts[1].first.other_raw), "none");
  EXPECT_EQ(mounts[1].second.Text(mounts[1].first.text), "tmpfs");
  EXPECT_EQ(mounts[1].first.flags, static_cast<uint32_t>(MS_NOSUID));
  EXPECT_EQ(mounts[3].first.syscall_nr, static_cast<uint32_t>(SYS_move_mount));
  EXPECT_EQ(mounts[3].second.Text(mounts[3].first.name_raw), In("m"));
  EXPECT_EQ(mounts[3].first.result, 0);
  EXPECT_EQ(mounts[4].first.result, -ENOENT);
  ExpectTask(umounts[0].first.header, umounts[0].first.task, pid, Lane::CRITICAL);
  ExpectChange(umounts[0].first, umounts[0].second,
               {.nr = SYS_umount2, .name = In("m"), .flags = MNT_DETACH});
}

TEST_F(FileChangeTest, file_chroot_tells_the_root_that_it_led_to) {
  ASSERT_EQ(symlink(dir_.c_str(), In("link").c_str()), 0);
  StartSensor(KindBit(Kind::file_chroot) | KindBit(Kind::file_open));
  int status = 0;
  const pid_t pid = cgroup_->Run(
      [&] {
        if (chroot("/none") == 0 || chroot(In("link").c_str()) != 0 || chdir("/") != 0) return 1;
        return open("/inside", O_CREAT | O_WRONLY, 0600) >= 0 ? 0 : 2;
      },
      &status);
  ASSERT_EQ(status, 0);
  const auto all = DrainAll(*sensor_);
  const auto events = Of<vakt_file_change>(all, Kind::file_chroot, pid);
  ASSERT_EQ(events.size(), 2u);
  ExpectTask(events[0].first.header, events[0].first.task, pid, Lane::CRITICAL);
  EXPECT_EQ(events[0].first.result, -ENOENT);
  EXPECT_EQ(events[0].second.Text(events[0].first.name_raw), "/none");
  EXPECT_EQ(events[1].first.result, 0);
  EXPECT_EQ(events[1].second.Text(events[1].first.name_raw), In("link"));
  EXPECT_EQ(events[1].second.Text(events[1].first.file.path), dir_);
  EXPECT_NE(events[1].first.file.ino, 0u);
  const auto opens = Of<vakt_file_open>(all, Kind::file_open, pid);
  ASSERT_EQ(opens.size(), 1u);
  EXPECT_EQ(opens[0].second.Text(opens[0].first.file.path), "/inside");
  EXPECT_EQ(opens[0].second.Text(opens[0].first.file.outer_path), In("inside"));
}

TEST_F(FileChangeTest, an_argument_whose_memory_is_gone_is_said_to_be_unreadable) {
  StartSensor(KindBit(Kind::file_unlink));
  int status = 0;
  const pid_t pid = cgroup_->Run(
      [&] { return syscall(SYS_unlink, reinterpret_cast<const char*>(8)) == 0 ? 1 : 0; }, &status);
  const auto events = Of<vakt_file_change>(DrainAll(*sensor_), Kind::file_unlink, pid);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].first.result, -EFAULT);
  EXPECT_EQ(events[0].first.facts, static_cast<uint32_t>(VAKT_NAME_UNREADABLE));
}

}  // namespace
}  // namespace vakt
