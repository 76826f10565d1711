// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstdlib>

#include "tests/bpf/bpf_test_base.h"

namespace vakt {
namespace {

class FileBpfTest : public BpfTest {
 protected:
  void SetUp() override {
    BpfTest::SetUp();
    if (IsSkipped()) return;
    dir_ = "/tmp/vakt-file-XXXXXX";
    ASSERT_NE(mkdtemp(dir_.data()), nullptr);
    const int fd = open((dir_ + "/secret").c_str(), O_CREAT | O_WRONLY, 0640);
    ASSERT_GE(fd, 0);
    close(fd);
    StartSensor(KindBit(Kind::file_open));
  }
  void TearDown() override {
    if (!dir_.empty()) std::ignore = std::system(("rm -rf " + dir_).c_str());
  }

  struct Opened {
    vakt_file_open event;
    std::string path;
    std::string raw;
  };

  // Runs `act` and returns the opens whose path or raw argument mentions this test's directory, or
  // every one of them.
  std::vector<Opened> Opens(const std::function<int()>& act, bool all_paths = false) {
    pid_ = cgroup_->Run(act, &status_);
    std::vector<Opened> opened;
    for (const auto& [event, record] :
         Of<vakt_file_open>(DrainAll(*sensor_), Kind::file_open, pid_)) {
      Opened o{event, record.Text(event.file.path), record.Text(event.name_raw)};
      if (all_paths || o.path.find(dir_) == 0 || o.raw.find(dir_) == 0) opened.push_back(o);
    }
    return opened;
  }

  std::string dir_;
  pid_t pid_ = 0;
  int status_ = 0;
};

TEST_F(FileBpfTest, openat_success) {
  const std::string path = dir_ + "/secret";
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  const auto opens = Opens([&] { return open(path.c_str(), O_RDWR | O_CLOEXEC) >= 0 ? 0 : 1; });
  ASSERT_EQ(opens.size(), 1u);
  const vakt_file_open& e = opens[0].event;
  ExpectTask(e.header, e.task, pid_, Lane::BULK);
  ExpectNamespaces(e.task);
  EXPECT_EQ(opens[0].path, path);
  EXPECT_EQ(opens[0].raw, path);
  EXPECT_EQ(e.file.path_status, static_cast<uint32_t>(VAKT_PATH_OK));
  EXPECT_EQ(e.file.ino, info.st_ino);
  EXPECT_EQ(e.file.dev, static_cast<uint32_t>(major(info.st_dev) << 20 | minor(info.st_dev)));
  EXPECT_EQ(e.file.mode, info.st_mode);
  EXPECT_EQ(e.file.nlink, 1u);
  EXPECT_EQ(e.file.uid, info.st_uid);
  EXPECT_EQ(e.file.mtime_ns, info.st_mtim.tv_sec * 1000000000ll + info.st_mtim.tv_nsec);
  EXPECT_EQ(e.file.ctime_ns, info.st_ctim.tv_sec * 1000000000ll + info.st_ctim.tv_nsec);
  EXPECT_EQ(e.dirfd, AT_FDCWD);
  EXPECT_GE(e.result, 3);
  EXPECT_EQ(e.flags & O_ACCMODE, static_cast<uint32_t>(O_RDWR));
  EXPECT_EQ(e.syscall_nr, static_cast<uint32_t>(SYS_openat));
}

TEST_F(FileBpfTest, create_keeps_the_flags_that_the_kernel_forgets_and_the_mode) {
  const std::string path = dir_ + "/new";
  const auto opens =
      Opens([&] { return open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0751) >= 0 ? 0 : 1; });
  ASSERT_EQ(opens.size(), 1u);
  EXPECT_EQ(opens[0].event.flags & (O_CREAT | O_EXCL | O_WRONLY),
            static_cast<uint32_t>(O_CREAT | O_EXCL | O_WRONLY));
  EXPECT_EQ(opens[0].event.create_mode, 0751u);
}

TEST_F(FileBpfTest, failure_has_the_error_and_the_base_directory) {
  const auto opens = Opens(
      [&] {
        if (chdir(dir_.c_str()) != 0) return 1;
        return open("missing/file", O_RDONLY) < 0 && errno == ENOENT ? 0 : 1;
      },
      true);
  ASSERT_EQ(opens.size(), 1u);
  const vakt_file_open& e = opens[0].event;
  EXPECT_EQ(e.result, -ENOENT);
  EXPECT_EQ(opens[0].path, dir_);
  EXPECT_EQ(opens[0].raw, "missing/file");
  EXPECT_EQ(e.file.mode, 0u);
  EXPECT_EQ(e.flags & O_ACCMODE, static_cast<uint32_t>(O_RDONLY));
}

TEST_F(FileBpfTest, failure_below_a_directory_descriptor) {
  const auto opens = Opens([&] {
    const int dir = open(dir_.c_str(), O_RDONLY | O_DIRECTORY);
    return openat(dir, "nothing", O_RDONLY) < 0 ? 0 : 1;
  });
  ASSERT_EQ(opens.size(), 2u);
  EXPECT_EQ(opens[1].path, dir_);
  EXPECT_EQ(opens[1].raw, "nothing");
  EXPECT_GE(opens[1].event.dirfd, 3);
}

TEST_F(FileBpfTest, the_truth_behind_a_symbolic_link_dots_and_a_directory_descriptor) {
  ASSERT_EQ(symlink((dir_ + "/secret").c_str(), (dir_ + "/innocent").c_str()), 0);
  const auto opens = Opens([&] {
    const int dir = open(dir_.c_str(), O_PATH | O_DIRECTORY);
    if (open((dir_ + "/innocent").c_str(), O_RDONLY) < 0) return 1;
    return openat(dir,
                  ".././"
                  "../tmp/../"
                  "tmp/./innocent",
                  O_RDONLY) < 0 &&
                   openat(dir, "./innocent", O_RDONLY) >= 0
               ? 0
               : 1;
  });
  ASSERT_GE(opens.size(), 3u);
  EXPECT_EQ(opens[1].path, dir_ + "/secret");
  EXPECT_EQ(opens[1].raw, dir_ + "/innocent");
  EXPECT_EQ(opens.back().path, dir_ + "/secret");
  EXPECT_EQ(opens.back().raw, "./innocent");
}

TEST_F(FileBpfTest, every_call_that_opens) {
  const std::string path = dir_ + "/secret";
  const auto opens = Opens([&] {
    if (syscall(SYS_open, path.c_str(), O_RDONLY) < 0) return 1;
    if (syscall(SYS_creat, (dir_ + "/c").c_str(), 0600) < 0) return 2;
    open_how how = {};
    how.flags = O_RDONLY;
    how.resolve = RESOLVE_NO_SYMLINKS;
    if (syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how)) < 0) return 3;
    struct {
      file_handle handle;
      unsigned char bytes[128];
    } h = {};
    h.handle.handle_bytes = sizeof(h.bytes);
    int mount_id = 0;
    if (name_to_handle_at(AT_FDCWD, path.c_str(), &h.handle, &mount_id, 0) != 0) return 0;
    const int mount_fd = open(dir_.c_str(), O_RDONLY | O_DIRECTORY);
    return open_by_handle_at(mount_fd, &h.handle, O_RDONLY) >= 0 ? 0 : 4;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_GE(opens.size(), 3u);
  EXPECT_EQ(opens[0].event.syscall_nr, static_cast<uint32_t>(SYS_open));
  EXPECT_EQ(opens[0].path, path);
  EXPECT_EQ(opens[1].event.syscall_nr, static_cast<uint32_t>(SYS_creat));
  EXPECT_EQ(opens[1].path, dir_ + "/c");
  EXPECT_EQ(opens[1].event.create_mode, 0600u);
  EXPECT_TRUE(opens[1].event.flags & O_CREAT);
  EXPECT_EQ(opens[2].event.syscall_nr, static_cast<uint32_t>(SYS_openat2));
  EXPECT_EQ(opens[2].event.resolve, static_cast<uint64_t>(RESOLVE_NO_SYMLINKS));
  if (opens.size() >= 5) {
    EXPECT_EQ(opens[4].event.syscall_nr, static_cast<uint32_t>(SYS_open_by_handle_at));
    EXPECT_EQ(opens[4].path, path);
    EXPECT_EQ(opens[4].raw, "");
  }
}

TEST_F(FileBpfTest, a_path_argument_on_a_page_that_was_never_touched) {
  // A reader at the call's entry would find nothing: the page is mapped and not present.
  const std::string path = dir_ + "/secret";
  const std::string holder = dir_ + "/holder";
  const int out = open(holder.c_str(), O_CREAT | O_WRONLY, 0600);
  ASSERT_EQ(write(out, path.c_str(), path.size() + 1), ssize_t(path.size() + 1));
  close(out);
  const auto opens = Opens([&] {
    const int fd = open(holder.c_str(), O_RDONLY);
    const char* text = static_cast<const char*>(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
    return open(text, O_RDONLY) >= 0 ? 0 : 1;
  });
  ASSERT_EQ(opens.size(), 2u);
  EXPECT_EQ(opens[1].path, path);
  EXPECT_EQ(opens[1].raw, path);
}

TEST_F(FileBpfTest, paths_are_relative_to_the_root_of_the_process_and_cross_mounts) {
  const std::string mounted = dir_ + "/mnt";
  ASSERT_EQ(mkdir(mounted.c_str(), 0755), 0);
  const auto opens = Opens(
      [&] {
        if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr))
          return 1;
        if (mount("none", mounted.c_str(), "tmpfs", 0, nullptr) != 0) return 2;
        if (open((mounted + "/inside").c_str(), O_CREAT | O_WRONLY, 0600) < 0) return 3;
        if (chroot(dir_.c_str()) != 0 || chdir("/") != 0) return 4;
        return open("/mnt/inside", O_RDONLY) >= 0 ? 0 : 5;
      },
      true);
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(opens.size(), 2u);
  EXPECT_EQ(opens[0].path, mounted + "/inside");
  EXPECT_EQ(opens[1].path, "/mnt/inside");
}

TEST_F(FileBpfTest, the_longest_paths_and_names) {
  const std::string name(255, 'n');
  const auto opens = Opens(
      [&] {
        if (chdir(dir_.c_str()) != 0) return 1;
        std::string full = dir_;
        for (int i = 0; i < 20; ++i) {  // 5 KiB: longer than any path argument may be
          if (mkdir(name.c_str(), 0700) != 0 || chdir(name.c_str()) != 0) return 2;
        }
        return open("deep", O_CREAT | O_WRONLY, 0600) >= 0 ? 0 : 3;
      },
      true);
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(opens.size(), 1u);
  EXPECT_EQ(opens[0].event.file.path_status, static_cast<uint32_t>(VAKT_PATH_TRUNCATED));
  EXPECT_GT(opens[0].path.size(), 3500u);
  EXPECT_TRUE(opens[0].path.ends_with("/" + name + "/deep"));
}

TEST_F(FileBpfTest, directories_and_devices_have_their_type) {
  const auto opens = Opens(
      [&] {
        return open("/dev/null", O_RDONLY) >= 0 && open("/tmp", O_RDONLY | O_DIRECTORY) >= 0 ? 0
                                                                                             : 1;
      },
      true);
  ASSERT_EQ(opens.size(), 2u);
  EXPECT_TRUE(S_ISCHR(opens[0].event.file.mode));
  EXPECT_TRUE(S_ISDIR(opens[1].event.file.mode));
}

}  // namespace
}  // namespace vakt
