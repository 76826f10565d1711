// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdlib>

#include "tests/bpf/bpf_test_base.h"

namespace vakt {
namespace {

// A ring of one request at a time, by hand: no library.
class Ring {
 public:
  Ring() {
    fd_ = static_cast<int>(syscall(SYS_io_uring_setup, 4, &params_));
    if (fd_ < 0) return;
    sq_ = Map(IORING_OFF_SQ_RING, params_.sq_off.array + params_.sq_entries * sizeof(__u32));
    cq_ = Map(IORING_OFF_CQ_RING, params_.cq_off.cqes + params_.cq_entries * sizeof(io_uring_cqe));
    sqes_ = reinterpret_cast<io_uring_sqe*>(
        Map(IORING_OFF_SQES, params_.sq_entries * sizeof(io_uring_sqe)));
  }
  bool ok() const { return fd_ >= 0; }

  // Submits one request and waits for its result.
  int Do(const io_uring_sqe& sqe) {
    __u32* tail = At(sq_, params_.sq_off.tail);
    const __u32 index = *tail & *At(sq_, params_.sq_off.ring_mask);
    sqes_[index] = sqe;
    At(sq_, params_.sq_off.array)[index] = index;
    __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
    const bool skip = (sqe.flags & IOSQE_CQE_SKIP_SUCCESS) != 0;
    if (syscall(SYS_io_uring_enter, fd_, 1, skip ? 0 : 1, skip ? 0 : IORING_ENTER_GETEVENTS,
                nullptr, 0) != 1) {
      return -1000;
    }
    if (skip) return 0;
    __u32* head = At(cq_, params_.cq_off.head);
    const __u32 slot = *head & *At(cq_, params_.cq_off.ring_mask);
    const int result = reinterpret_cast<io_uring_cqe*>(cq_ + params_.cq_off.cqes)[slot].res;
    __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
    return result;
  }

  int fd() const { return fd_; }

 private:
  char* Map(off_t offset, size_t size) {
    return static_cast<char*>(
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_, offset));
  }
  static __u32* At(char* base, __u32 offset) { return reinterpret_cast<__u32*>(base + offset); }

  io_uring_params params_ = {};
  int fd_ = -1;
  char* sq_ = nullptr;
  char* cq_ = nullptr;
  io_uring_sqe* sqes_ = nullptr;
};

io_uring_sqe OpenAt(const char* path, uint32_t flags, uint32_t mode = 0) {
  io_uring_sqe sqe = {};
  sqe.opcode = IORING_OP_OPENAT;
  sqe.fd = AT_FDCWD;
  sqe.addr = reinterpret_cast<__u64>(path);
  sqe.open_flags = flags;
  sqe.len = mode;
  return sqe;
}

class IoUringTest : public BpfTest {
 protected:
  void SetUp() override {
    BpfTest::SetUp();
    if (IsSkipped()) return;
    if (!Ring().ok()) GTEST_SKIP() << "this kernel or its configuration refuses io_uring";
    dir_ = "/tmp/vakt-uring-XXXXXX";
    ASSERT_NE(mkdtemp(dir_.data()), nullptr);
  }
  void TearDown() override {
    if (!dir_.empty()) std::ignore = std::system(("rm -rf " + dir_).c_str());
  }
  pid_t Act(const std::function<int(Ring&)>& act) {
    int status = 0;
    const pid_t pid = cgroup_->Run(
        [&] {
          Ring ring;
          if (chdir(dir_.c_str()) != 0 || !ring.ok()) return 98;
          return act(ring);
        },
        &status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    return pid;
  }
  std::string dir_;
};

TEST_F(IoUringTest, file_open) {
  StartSensor(KindBit(Kind::file_open));
  const std::string path = dir_ + "/new";
  const pid_t pid = Act([&](Ring& ring) {
    if (ring.Do(OpenAt("new", O_CREAT | O_WRONLY, 0640)) < 3) return 1;
    io_uring_sqe async = OpenAt(path.c_str(), O_RDONLY);
    async.flags = IOSQE_ASYNC;  // by a worker of the ring
    if (ring.Do(async) < 3) return 2;
    return ring.Do(OpenAt("none", O_RDONLY)) == -ENOENT ? 0 : 3;
  });
  const auto opens = Of<vakt_file_open>(DrainAll(*sensor_), Kind::file_open, pid);
  ASSERT_EQ(opens.size(), 3u);
  const vakt_file_open& first = opens[0].first;
  EXPECT_EQ(first.header.abi, VAKT_ABI_IO_URING);
  EXPECT_EQ(first.syscall_nr, static_cast<uint32_t>(SYS_openat));
  EXPECT_EQ(opens[0].second.Text(first.file.path), path);
  EXPECT_EQ(opens[0].second.Text(first.name_raw), "new");
  EXPECT_GE(first.result, 3);
  EXPECT_EQ(first.create_mode, 0640u);
  EXPECT_EQ(first.flags & (O_ACCMODE | O_CREAT), static_cast<uint32_t>(O_WRONLY | O_CREAT));
  EXPECT_TRUE(first.facts & VAKT_OPEN_CREATED);
  EXPECT_EQ(first.task.pid, static_cast<uint32_t>(pid));
  EXPECT_EQ(opens[1].second.Text(opens[1].first.file.path), path);
  EXPECT_FALSE(opens[1].first.facts & VAKT_OPEN_CREATED);
  EXPECT_EQ(opens[2].first.result, -ENOENT);
  EXPECT_EQ(opens[2].second.Text(opens[2].first.file.path), dir_);
  EXPECT_EQ(opens[2].second.Text(opens[2].first.name_raw), "none");
}

TEST_F(IoUringTest, file_open_into_the_rings_own_table_and_without_a_completion) {
  StartSensor(KindBit(Kind::file_open));
  const std::string path = dir_ + "/f";
  close(open(path.c_str(), O_CREAT | O_WRONLY, 0600));
  const pid_t pid = Act([&](Ring& ring) {
    int slots[2] = {-1, -1};
    if (syscall(SYS_io_uring_register, ring.fd(), IORING_REGISTER_FILES, slots, 2) != 0) return 1;
    io_uring_sqe direct = OpenAt("f", O_RDONLY);
    direct.file_index = 2;
    if (ring.Do(direct) != 0) return 2;
    io_uring_sqe quiet = OpenAt("f", O_RDONLY);
    quiet.flags = IOSQE_CQE_SKIP_SUCCESS;
    return ring.Do(quiet);
  });
  const auto opens = Of<vakt_file_open>(DrainAll(*sensor_), Kind::file_open, pid);
  ASSERT_EQ(opens.size(), 2u);
  EXPECT_EQ(opens[0].second.Text(opens[0].first.file.path), path);
  EXPECT_NE(opens[0].first.file.ino, 0u);
  EXPECT_EQ(opens[1].second.Text(opens[1].first.file.path), dir_);
  EXPECT_EQ(opens[1].second.Text(opens[1].first.name_raw), "f");
  EXPECT_TRUE(opens[1].first.facts & VAKT_UNFINISHED);
}

TEST_F(IoUringTest, changes_of_names) {
  StartSensor(KindBit(Kind::file_unlink) | KindBit(Kind::file_rename) | KindBit(Kind::file_link) |
              KindBit(Kind::file_symlink) | KindBit(Kind::file_mkdir));
  close(open((dir_ + "/a").c_str(), O_CREAT | O_WRONLY, 0600));
  const pid_t pid = Act([&](Ring& ring) {
    io_uring_sqe sqe = {};
    sqe.fd = AT_FDCWD;
    sqe.addr = reinterpret_cast<__u64>("a");
    sqe.addr2 = reinterpret_cast<__u64>("b");
    sqe.len = static_cast<__u32>(AT_FDCWD);
    sqe.opcode = IORING_OP_LINKAT;
    if (ring.Do(sqe) != 0) return 1;
    sqe.addr2 = reinterpret_cast<__u64>("c");
    sqe.opcode = IORING_OP_RENAMEAT;
    if (ring.Do(sqe) != 0) return 2;
    sqe.opcode = IORING_OP_SYMLINKAT;
    sqe.len = 0;
    sqe.addr2 = reinterpret_cast<__u64>("s");
    if (ring.Do(sqe) != 0) return 3;
    sqe.opcode = IORING_OP_MKDIRAT;
    sqe.addr = reinterpret_cast<__u64>("d");
    sqe.addr2 = 0;
    sqe.len = 0700;
    if (ring.Do(sqe) != 0) return 4;
    sqe.opcode = IORING_OP_UNLINKAT;
    sqe.len = 0;
    sqe.unlink_flags = AT_REMOVEDIR;
    return ring.Do(sqe) == 0 ? 0 : 5;
  });
  const auto all = DrainAll(*sensor_);
  const auto one = [&](Kind kind) {
    const auto found = Of<vakt_file_change>(all, kind, pid);
    EXPECT_EQ(found.size(), 1u) << KindStem(kind);
    return found.empty()
               ? std::pair<vakt_file_change, std::string>()
               : std::pair(found[0].first, found[0].second.Text(found[0].first.name_raw) + "|" +
                                               found[0].second.Text(found[0].first.other_raw) +
                                               "|" + found[0].second.Text(found[0].first.text));
  };
  EXPECT_EQ(one(Kind::file_link).second, "a|b|");
  EXPECT_EQ(one(Kind::file_rename).second, "a|c|");
  EXPECT_EQ(one(Kind::file_symlink).second, "s||a");
  EXPECT_EQ(one(Kind::file_mkdir).second, "d||");
  EXPECT_EQ(one(Kind::file_mkdir).first.mode, 0700u);
  EXPECT_EQ(one(Kind::file_unlink).second, "d||");
  EXPECT_EQ(one(Kind::file_unlink).first.flags, static_cast<uint32_t>(AT_REMOVEDIR));
  EXPECT_EQ(one(Kind::file_unlink).first.header.abi, VAKT_ABI_IO_URING);
}

TEST_F(IoUringTest, network_socket) {
  StartSensor(KindBit(Kind::network_socket));
  const pid_t pid = Act([&](Ring& ring) {
    io_uring_sqe sqe = {};
    sqe.opcode = IORING_OP_SOCKET;
    sqe.fd = AF_PACKET;
    sqe.off = SOCK_RAW;
    sqe.len = 3;
    return ring.Do(sqe) >= 3 ? 0 : 1;
  });
  const auto events = Of<vakt_network>(DrainAll(*sensor_), Kind::network_socket, pid);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].first.header.abi, VAKT_ABI_IO_URING);
  EXPECT_EQ(events[0].first.family, AF_PACKET);
  EXPECT_EQ(events[0].first.type, SOCK_RAW);
  EXPECT_EQ(events[0].first.protocol, 3);
  EXPECT_GE(events[0].first.fd, 3);
}

}  // namespace
}  // namespace vakt
