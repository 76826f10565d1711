// SPDX-License-Identifier: Apache-2.0
// System calls that are reported for themselves: perform each, successfully and not, and assert
// every field of its record.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "tests/bpf/bpf_test_base.h"

namespace vakt {
namespace {

class CallBpfTest : public BpfTest {
 protected:
  struct Seen {
    vakt_call event;
    std::string text;
    std::string path;
  };

  // Runs `act` and returns what it made of `kind`, in order.
  std::vector<Seen> Calls(Kind kind, const std::function<int()>& act) {
    if (sensor_ == nullptr) StartSensor(KindBit(kind));
    pid_ = cgroup_->Run(act, &status_);
    std::vector<Seen> seen;
    for (const auto& [event, record] : Of<vakt_call>(DrainAll(*sensor_), kind, pid_)) {
      ExpectTask(event.header, event.task, pid_, Lane::CRITICAL);
      seen.push_back({event, record.Text(event.text), record.Text(event.file.path)});
    }
    return seen;
  }

  // The only one, of which most fields are as in a call without text and file.
  void ExpectPlain(const Seen& seen, long nr, int64_t result) {
    EXPECT_EQ(seen.event.syscall_nr, static_cast<uint32_t>(nr));
    EXPECT_EQ(seen.event.result, result);
    EXPECT_EQ(seen.text, "");
    EXPECT_EQ(seen.path, "");
    EXPECT_EQ(seen.event.file.mode, 0u);
  }

  pid_t pid_ = 0;
  int status_ = 0;
};

TEST_F(CallBpfTest, process_exec_failed) {
  const auto calls = Calls(Kind::process_exec_failed, [] {
    if (chdir("/usr/share") != 0) return 1;
    execl("no/such-program", "x", nullptr);
    execl("/etc/passwd", "x", nullptr);
    const int dir = open("/etc", O_PATH | O_DIRECTORY);
    char* const argv[] = {const_cast<char*>("x"), nullptr};
    syscall(SYS_execveat, dir, "nothing", argv, argv, 0);
    execl("/bin/true", "true", nullptr);  // succeeds: told by process_exec
    return 2;
  });
  ASSERT_EQ(calls.size(), 3u);
  ExpectNamespaces(calls[0].event.task);
  EXPECT_EQ(calls[0].text, "no/such-program");
  EXPECT_EQ(calls[0].path, "/usr/share");
  EXPECT_EQ(calls[0].event.result, -ENOENT);
  EXPECT_EQ(calls[0].event.syscall_nr, static_cast<uint32_t>(SYS_execve));
  EXPECT_EQ(calls[1].text, "/etc/passwd");
  EXPECT_EQ(calls[1].event.result, -EACCES);
  EXPECT_EQ(calls[2].text, "nothing");
  EXPECT_EQ(calls[2].path, "/etc");
  EXPECT_EQ(calls[2].event.result, -ENOENT);
  EXPECT_EQ(calls[2].event.syscall_nr, static_cast<uint32_t>(SYS_execveat));
  EXPECT_EQ(calls[2].event.file.mode, 0u);
}

TEST_F(CallBpfTest, process_session) {
  const auto calls = Calls(Kind::process_session, [] {
    if (setsid() < 0) return 1;
    return setpgid(0, 1) != 0 ? 0 : 2;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(calls.size(), 2u);
  ExpectPlain(calls[0], SYS_setsid, pid_);
  ExpectPlain(calls[1], SYS_setpgid, -EPERM);
  EXPECT_EQ(calls[1].event.args[0], 0u);
  EXPECT_EQ(calls[1].event.args[1], 1u);
}

TEST_F(CallBpfTest, process_prctl_that_changes_something) {
  const auto calls = Calls(Kind::process_prctl, [] {
    prctl(PR_GET_DUMPABLE);  // asks only: not reported
    if (prctl(PR_SET_NAME, "innocent") != 0) return 1;
    if (prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY) != 0 && errno != EINVAL) return 2;
    return prctl(PR_SET_PDEATHSIG, 1000) != 0 ? 0 : 3;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[0].event.args[0], static_cast<uint64_t>(PR_SET_NAME));
  EXPECT_EQ(calls[0].text, "innocent");
  EXPECT_STREQ(calls[0].event.task.comm, "innocent");
  EXPECT_EQ(calls[0].event.result, 0);
  EXPECT_EQ(calls[1].event.args[0], static_cast<uint64_t>(PR_SET_PTRACER));
  EXPECT_EQ(calls[1].text, "");
  ExpectPlain(calls[2], SYS_prctl, -EINVAL);
}

TEST_F(CallBpfTest, process_namespace_has_the_new_namespaces) {
  struct stat own;
  ASSERT_EQ(stat("/proc/self/ns/uts", &own), 0);
  const auto calls = Calls(Kind::process_namespace, [] {
    const int fd = open("/proc/self/ns/uts", O_RDONLY);
    if (unshare(CLONE_NEWNS | CLONE_NEWUTS) != 0) return 1;
    if (setns(fd, CLONE_NEWUTS) != 0) return 2;
    return setns(fd, CLONE_NEWNET) != 0 && unshare(1) != 0 ? 0 : 3;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(calls.size(), 4u);
  ExpectPlain(calls[0], SYS_unshare, 0);
  EXPECT_EQ(calls[0].event.args[0], static_cast<uint64_t>(CLONE_NEWNS | CLONE_NEWUTS));
  EXPECT_NE(calls[0].event.task.mnt_ns, Namespace("mnt"));
  EXPECT_EQ(calls[1].event.syscall_nr, static_cast<uint32_t>(SYS_setns));
  EXPECT_EQ(calls[1].event.args[1], static_cast<uint64_t>(CLONE_NEWUTS));
  EXPECT_EQ(calls[1].event.result, 0);
  EXPECT_EQ(calls[1].event.file.ino, own.st_ino);  // what it joined
  EXPECT_EQ(calls[2].event.result, -EINVAL);
  ExpectPlain(calls[3], SYS_unshare, -EINVAL);
}

TEST_F(CallBpfTest, process_seccomp) {
  const auto calls = Calls(Kind::process_seccomp, [] {
    unsigned action = SECCOMP_RET_LOG;
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0) return 1;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0x100000, nullptr) != 0 ? 0 : 2;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(calls.size(), 2u);
  ExpectPlain(calls[0], SYS_seccomp, 0);
  EXPECT_EQ(calls[0].event.args[0], static_cast<uint64_t>(SECCOMP_GET_ACTION_AVAIL));
  ExpectPlain(calls[1], SYS_seccomp, -EINVAL);
  EXPECT_EQ(calls[1].event.args[1], 0x100000u);
}

TEST_F(CallBpfTest, process_personality) {
  const auto calls =
      Calls(Kind::process_personality, [] { return personality(ADDR_NO_RANDOMIZE) >= 0 ? 0 : 1; });
  ASSERT_EQ(calls.size(), 1u);
  ExpectPlain(calls[0], SYS_personality, PER_LINUX);
  EXPECT_EQ(calls[0].event.args[0], static_cast<uint64_t>(ADDR_NO_RANDOMIZE));
}

TEST_F(CallBpfTest, memory_file) {
  const auto calls = Calls(Kind::memory_file, [] {
    if (memfd_create("payload", MFD_CLOEXEC) < 0) return 1;
    return memfd_create("payload", 0x1000) < 0 ? 0 : 2;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].text, "payload");
  EXPECT_GE(calls[0].event.result, 3);
  EXPECT_EQ(calls[0].event.args[1], static_cast<uint64_t>(MFD_CLOEXEC));
  EXPECT_EQ(calls[0].event.syscall_nr, static_cast<uint32_t>(SYS_memfd_create));
  EXPECT_EQ(calls[1].event.result, -EINVAL);
  EXPECT_EQ(calls[1].text, "payload");
}

TEST_F(CallBpfTest, memory_protect_is_silent_about_libraries_and_data) {
  const auto calls = Calls(Kind::memory_protect, [] {
    const int fd = open("/proc/self/exe", O_RDONLY);
    mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);  // as a library
    void* data = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mprotect(data, 4096, PROT_READ) != 0) return 1;
    if (mprotect(data, 4096, PROT_READ | PROT_EXEC) != 0) return 2;
    void* both =
        mmap(nullptr, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (both == MAP_FAILED) return 3;
    if (mmap(nullptr, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED) return 4;
    return mprotect(reinterpret_cast<void*>(1), 4096, PROT_EXEC) != 0 ? 0 : 5;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(calls.size(), 4u);
  ExpectPlain(calls[0], SYS_mprotect, 0);
  EXPECT_EQ(calls[0].event.args[1], 4096u);
  EXPECT_EQ(calls[0].event.args[2], static_cast<uint64_t>(PROT_READ | PROT_EXEC));
  ExpectPlain(calls[1], SYS_mmap, calls[1].event.result);
  EXPECT_GT(calls[1].event.result, 0);
  EXPECT_EQ(calls[1].event.args[1], 8192u);
  EXPECT_EQ(calls[1].event.args[3], static_cast<uint64_t>(MAP_PRIVATE | MAP_ANONYMOUS));
  EXPECT_TRUE(S_ISREG(calls[2].event.file.mode));  // a file mapped writable and executable
  EXPECT_NE(calls[2].path.find("bpf_call_test"), std::string::npos);
  ExpectPlain(calls[3], SYS_mprotect, -EINVAL);
}

TEST_F(CallBpfTest, kernel_bpf) {
  const auto calls = Calls(Kind::kernel_bpf, [] {
    bpf_attr attr = {};
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = attr.value_size = 4;
    attr.max_entries = 1;
    strcpy(attr.map_name, "vakt_test");
    if (syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) < 0) return 1;
    attr = {};
    attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    strcpy(attr.prog_name, "vakt_prog");
    if (syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) >= 0) return 2;
    return syscall(SYS_bpf, BPF_OBJ_GET, &attr, 1) < 0 ? 0 : 3;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[0].event.args[0], static_cast<uint64_t>(BPF_MAP_CREATE));
  EXPECT_EQ(calls[0].event.args[3], static_cast<uint64_t>(BPF_MAP_TYPE_ARRAY));
  EXPECT_EQ(calls[0].text, "vakt_test");
  EXPECT_GE(calls[0].event.result, 3);
  EXPECT_EQ(calls[1].event.args[0], static_cast<uint64_t>(BPF_PROG_LOAD));
  EXPECT_EQ(calls[1].event.args[3], static_cast<uint64_t>(BPF_PROG_TYPE_SOCKET_FILTER));
  EXPECT_EQ(calls[1].text, "vakt_prog");
  EXPECT_LT(calls[1].event.result, 0);
  ExpectPlain(calls[2], SYS_bpf, calls[2].event.result);
  EXPECT_EQ(calls[2].event.args[3], 0u);
}

TEST_F(CallBpfTest, kernel_perf) {
  const auto calls = Calls(Kind::kernel_perf, [] {
    perf_event_attr attr = {};
    attr.type = PERF_TYPE_SOFTWARE;
    attr.size = sizeof(attr);
    attr.config = PERF_COUNT_SW_PAGE_FAULTS;
    if (syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) < 0) return 1;
    return syscall(SYS_perf_event_open, &attr, 0, -1, 99, 0) < 0 ? 0 : 2;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(calls.size(), 2u);
  ExpectPlain(calls[0], SYS_perf_event_open, calls[0].event.result);
  EXPECT_GE(calls[0].event.result, 3);
  EXPECT_EQ(calls[0].event.args[0], static_cast<uint64_t>(PERF_TYPE_SOFTWARE));
  EXPECT_EQ(calls[0].event.args[5], static_cast<uint64_t>(PERF_COUNT_SW_PAGE_FAULTS));
  EXPECT_EQ(calls[1].event.result, -EBADF);
}

TEST_F(CallBpfTest, kernel_key) {
  const auto calls = Calls(Kind::kernel_key, [] {
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
    const long key = syscall(SYS_add_key, "user", "vakt-test", "x", 1, KEY_SPEC_PROCESS_KEYRING);
    if (key < 0) return 1;
    return syscall(SYS_request_key, "user", "vakt-missing", nullptr, 0) < 0 ? 0 : 2;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(calls.size(), 3u);
  ExpectPlain(calls[0], SYS_keyctl, calls[0].event.result);
  EXPECT_EQ(calls[0].event.args[0], static_cast<uint64_t>(KEYCTL_JOIN_SESSION_KEYRING));
  EXPECT_EQ(calls[1].event.syscall_nr, static_cast<uint32_t>(SYS_add_key));
  EXPECT_EQ(calls[1].text, "vakt-test");
  EXPECT_GT(calls[1].event.result, 0);
  EXPECT_EQ(calls[2].text, "vakt-missing");
  EXPECT_LT(calls[2].event.result, 0);
}

TEST_F(CallBpfTest, kernel_io_uring) {
  const auto calls = Calls(Kind::kernel_io_uring, [] {
    io_uring_params params = {};
    if (syscall(SYS_io_uring_setup, 3, &params) < 0) return errno == EPERM ? 3 : 1;
    params = {};
    params.flags = ~0u;
    return syscall(SYS_io_uring_setup, 3, &params) < 0 ? 0 : 2;
  });
  ASSERT_EQ(calls.size(), WEXITSTATUS(status_) == 3 ? 1u : 2u);
  EXPECT_EQ(calls[0].event.args[0], 3u);
  if (WEXITSTATUS(status_) == 3) GTEST_SKIP() << "io_uring is switched off here";
  ASSERT_EQ(status_, 0);
  ExpectPlain(calls[0], SYS_io_uring_setup, calls[0].event.result);
  EXPECT_EQ(calls[0].event.args[1], 0u);
  EXPECT_EQ(calls[0].event.args[2], 4u);  // rounded up by the kernel
  EXPECT_EQ(calls[0].event.args[3], 8u);
  EXPECT_NE(calls[0].event.args[4], 0u);
  EXPECT_EQ(calls[1].event.result, -EINVAL);
  EXPECT_EQ(calls[1].event.args[1], 0xffffffffu);
}

TEST_F(CallBpfTest, kernel_userfaultfd) {
  const auto calls = Calls(Kind::kernel_userfaultfd, [] {
    if (syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY) < 0) return 1;
    return syscall(SYS_userfaultfd, 0x100) < 0 ? 0 : 2;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(calls.size(), 2u);
  ExpectPlain(calls[0], SYS_userfaultfd, calls[0].event.result);
  EXPECT_EQ(calls[0].event.args[0], static_cast<uint64_t>(UFFD_USER_MODE_ONLY));
  ExpectPlain(calls[1], SYS_userfaultfd, -EINVAL);
}

// The clock stays as it is: the calls fail.
TEST_F(CallBpfTest, kernel_time) {
  const auto calls = Calls(Kind::kernel_time, [] {
    timespec time = {1234567, 2'000'000'000};  // too many nanoseconds
    if (syscall(SYS_clock_settime, CLOCK_REALTIME, &time) == 0) return 1;
    timeval of_day = {7654321, 2'000'000};
    return syscall(SYS_settimeofday, &of_day, nullptr) != 0 ? 0 : 2;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(calls.size(), 2u);
  ExpectPlain(calls[0], SYS_clock_settime, -EINVAL);
  EXPECT_EQ(calls[0].event.args[0], static_cast<uint64_t>(CLOCK_REALTIME));
  EXPECT_EQ(calls[0].event.args[1], 1234567u);
  ExpectPlain(calls[1], SYS_settimeofday, -EINVAL);
  EXPECT_EQ(calls[1].event.args[1], 7654321u);
}

TEST_F(CallBpfTest, kernel_swap) {
  const auto calls = Calls(Kind::kernel_swap, [] {
    return syscall(SYS_swapon, "/no/swap", 0) != 0 && syscall(SYS_swapoff, "/no/swap") != 0 ? 0 : 1;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].event.syscall_nr, static_cast<uint32_t>(SYS_swapon));
  EXPECT_EQ(calls[0].text, "/no/swap");
  EXPECT_EQ(calls[0].event.result, -ENOENT);
  EXPECT_EQ(calls[1].event.syscall_nr, static_cast<uint32_t>(SYS_swapoff));
}

// Without its magic numbers reboot(2) does nothing.
TEST_F(CallBpfTest, kernel_reboot) {
  const auto calls = Calls(Kind::kernel_reboot, [] {
    return syscall(SYS_reboot, 1, 2, LINUX_REBOOT_CMD_CAD_OFF, nullptr) != 0 ? 0 : 1;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(calls.size(), 1u);
  ExpectPlain(calls[0], SYS_reboot, -EINVAL);
  EXPECT_EQ(calls[0].event.args[2], static_cast<uint64_t>(LINUX_REBOOT_CMD_CAD_OFF));
}

// What the kernel of this machine lacks is no failure: the call cannot be made either.
class AbsentCallBpfTest : public CallBpfTest {
 protected:
  void Start(Kind kind) {
    KernelSensorOptions options;
    options.tier = TestTier();
    options.kinds = KindBit(kind);
    options.scope = ScopeOf(cgroup_->path()).value();
    auto sensor = KernelSensor::Start(options);
    ASSERT_TRUE(sensor.ok()) << sensor.status();
    sensor_ = *std::move(sensor);
  }
};

TEST_F(AbsentCallBpfTest, kernel_module) {
  Start(Kind::kernel_module);
  const bool exists = access("/proc/modules", F_OK) == 0;
  const auto calls = Calls(Kind::kernel_module, [] {
    const int fd = open("/etc/passwd", O_RDONLY);
    if (syscall(SYS_finit_module, fd, "option=1", 2) == 0) return 1;
    if (syscall(SYS_init_module, "no module", 9, "") == 0) return 2;
    return syscall(SYS_delete_module, "vakt_missing", O_NONBLOCK) != 0 ? 0 : 3;
  });
  ASSERT_EQ(status_, 0);
  if (!exists) {
    EXPECT_EQ(calls.size(), 0u);
    GTEST_SKIP() << "this kernel loads no modules";
  }
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[0].text, "option=1");
  EXPECT_EQ(calls[0].path, "/etc/passwd");
  EXPECT_LT(calls[0].event.result, 0);
  EXPECT_EQ(calls[0].event.args[2], 2u);
  EXPECT_EQ(calls[1].event.args[1], 9u);
  EXPECT_EQ(calls[2].text, "vakt_missing");
}

TEST_F(AbsentCallBpfTest, kernel_kexec) {
  Start(Kind::kernel_kexec);
  const auto calls = Calls(Kind::kernel_kexec, [] {
    if (syscall(SYS_kexec_load, 0, 1 << 20, nullptr, 0) == 0) return 1;
    return errno == ENOSYS ? 2 : 0;
  });
  if (WEXITSTATUS(status_) == 2) {
    EXPECT_EQ(calls.size(), 0u);
    GTEST_SKIP() << "this kernel has no kexec";
  }
  ASSERT_EQ(calls.size(), 1u);
  ExpectPlain(calls[0], SYS_kexec_load, -EINVAL);
}

}  // namespace
}  // namespace vakt
