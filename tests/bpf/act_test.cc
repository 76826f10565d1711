// SPDX-License-Identifier: Apache-2.0
// What processes do to each other and to their credentials.
#include <linux/capability.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/bpf/bpf_test_base.h"

namespace vakt {
namespace {

class ActBpfTest : public BpfTest {
 protected:
  struct Seen {
    vakt_process_act event;
    std::string text;
  };

  std::vector<Seen> Acts(Kind kind, const std::function<int()>& act) {
    if (sensor_ == nullptr) StartSensor(KindBit(kind));
    pid_ = cgroup_->Run(act, &status_);
    std::vector<Seen> seen;
    for (const auto& [event, record] : Of<vakt_process_act>(DrainAll(*sensor_), kind, pid_)) {
      seen.push_back({event, record.Text(event.text)});
    }
    return seen;
  }

  // The target is a child of the actor.
  void ExpectChild(const vakt_process_act& event) {
    ExpectTask(event.header, event.task, pid_, Lane::CRITICAL);
    EXPECT_GT(event.target.pid, 0u);
    EXPECT_EQ(event.target.ppid, static_cast<uint32_t>(pid_));
    EXPECT_EQ(event.target.parent_cookie, event.task.cookie);
    EXPECT_EQ(event.target.cookie & 0x3fffff, event.target.pid);
    EXPECT_EQ(event.target.cgroup_id, cgroup_->id());
  }

  // The same where the call named it by number: before 6.2 the kernel has no way to find it by
  // that, and the agent does.
  void ExpectNamedChild(const vakt_process_act& event) {
    if (KernelHasFunction("bpf_task_from_pid")) return ExpectChild(event);
    ExpectTask(event.header, event.task, pid_, Lane::CRITICAL);
    EXPECT_GT(event.target.pid, static_cast<uint32_t>(pid_));
    EXPECT_EQ(event.target.cookie, 0u);
  }

  pid_t pid_ = 0;
  int status_ = 0;
};

// Runs `act` with a child that waits, and ends the child.
int WithChild(const std::function<int(pid_t)>& act) {
  const pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  const int result = act(child);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return result;
}

TEST_F(ActBpfTest, process_ptrace) {
  const auto acts = Acts(Kind::process_ptrace, [] {
    return WithChild([](pid_t child) {
      if (ptrace(PTRACE_SEIZE, child, nullptr, nullptr) != 0) return 1;
      return ptrace(PTRACE_ATTACH, 0x3fffff, nullptr, nullptr) != 0 ? 0 : 2;
    });
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(acts.size(), 2u);
  ExpectNamedChild(acts[0].event);
  EXPECT_EQ(acts[0].event.args[0], static_cast<uint64_t>(PTRACE_SEIZE));
  EXPECT_EQ(acts[0].event.args[1], acts[0].event.target.pid);
  EXPECT_EQ(acts[0].event.result, 0);
  EXPECT_EQ(acts[0].event.syscall_nr, static_cast<uint32_t>(SYS_ptrace));
  EXPECT_EQ(acts[0].text, "");
  EXPECT_EQ(acts[1].event.result, -ESRCH);
  EXPECT_EQ(acts[1].event.target.cookie, 0u);
}

TEST_F(ActBpfTest, process_vm) {
  const auto acts = Acts(Kind::process_vm, [] {
    return WithChild([](pid_t child) {
      static int value = 0;
      int copy = 0;
      iovec local = {&copy, sizeof(copy)};
      iovec remote = {&value, sizeof(value)};
      if (process_vm_readv(child, &local, 1, &remote, 1, 0) != sizeof(copy)) return 1;
      if (process_vm_writev(child, &local, 1, &remote, 1, 0) != sizeof(copy)) return 2;
      return process_vm_writev(0x3fffff, &local, 1, &remote, 1, 0) < 0 ? 0 : 3;
    });
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(acts.size(), 3u);
  ExpectNamedChild(acts[0].event);
  ExpectNamedChild(acts[1].event);
  EXPECT_EQ(acts[0].event.syscall_nr, static_cast<uint32_t>(SYS_process_vm_readv));
  EXPECT_EQ(acts[1].event.syscall_nr, static_cast<uint32_t>(SYS_process_vm_writev));
  EXPECT_EQ(acts[1].event.result, 4);
  EXPECT_EQ(acts[2].event.result, -ESRCH);
}

TEST_F(ActBpfTest, process_limit) {
  const auto acts = Acts(Kind::process_limit, [] {
    return WithChild([](pid_t child) {
      const rlimit limit = {64, 128};
      rlimit old = {};
      const sched_param none = {};
      if (prlimit(0, RLIMIT_CORE, &limit, nullptr) != 0) return 1;      // its own
      if (prlimit(child, RLIMIT_NOFILE, nullptr, &old) != 0) return 2;  // only asks
      if (prlimit(child, RLIMIT_NOFILE, &limit, nullptr) != 0) return 3;
      if (sched_setscheduler(child, SCHED_IDLE, &none) != 0) return 4;
      return sched_setscheduler(0x3fffff, SCHED_IDLE, &none) != 0 ? 0 : 5;
    });
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(acts.size(), 3u);
  ExpectNamedChild(acts[0].event);
  EXPECT_EQ(acts[0].event.syscall_nr, static_cast<uint32_t>(SYS_prlimit64));
  EXPECT_EQ(acts[0].event.args[1], static_cast<uint64_t>(RLIMIT_NOFILE));
  EXPECT_EQ(acts[0].event.args[2], 64u);
  EXPECT_EQ(acts[0].event.args[3], 128u);
  ExpectNamedChild(acts[1].event);
  EXPECT_EQ(acts[1].event.syscall_nr, static_cast<uint32_t>(SYS_sched_setscheduler));
  EXPECT_EQ(acts[1].event.args[1], static_cast<uint64_t>(SCHED_IDLE));
  EXPECT_EQ(acts[2].event.result, -ESRCH);
  EXPECT_EQ(acts[2].event.target.cookie, 0u);
}

TEST_F(ActBpfTest, process_descriptor) {
  const auto acts = Acts(Kind::process_descriptor, [] {
    return WithChild([](pid_t child) {
      const long pidfd = syscall(SYS_pidfd_open, child, 0);
      if (syscall(SYS_pidfd_getfd, pidfd, 0, 0) < 0) return 1;
      return syscall(SYS_pidfd_getfd, 0, 0, 0) < 0 ? 0 : 2;
    });
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(acts.size(), 2u);
  ExpectNamedChild(acts[0].event);
  EXPECT_GE(acts[0].event.result, 3);
  EXPECT_EQ(acts[1].event.result, -EBADF);
  EXPECT_EQ(acts[1].event.target.pid, 0u);
}

TEST_F(ActBpfTest, process_signal_that_ends_another_process) {
  const auto acts = Acts(Kind::process_signal, [] {
    signal(SIGTERM, SIG_IGN);
    kill(getpid(), SIGTERM);                    // to itself: not reported
    return WithChild([](pid_t child) {          // ends it by SIGKILL
      kill(child, SIGCONT);                     // harmless: not reported
      kill(child, 0);                           // asks only: not reported
      if (kill(child, SIGTERM) != 0) return 1;  // ignored there
      return syscall(SYS_tgkill, child, child, SIGUSR1) == 0 ? 0 : 2;
    });
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(acts.size(), 3u);
  for (const Seen& act : acts) ExpectChild(act.event);
  EXPECT_EQ(acts[0].event.args[0], static_cast<uint64_t>(SIGTERM));
  EXPECT_EQ(acts[0].event.syscall_nr, static_cast<uint32_t>(SYS_kill));
  EXPECT_EQ(acts[1].event.args[0], static_cast<uint64_t>(SIGUSR1));
  EXPECT_EQ(acts[1].event.args[1], 0u);
  EXPECT_EQ(acts[1].event.syscall_nr, static_cast<uint32_t>(SYS_tgkill));
  EXPECT_EQ(acts[2].event.args[0], static_cast<uint64_t>(SIGKILL));
  EXPECT_EQ(acts[2].event.result, 0);
}

TEST_F(ActBpfTest, process_rename_by_prctl_and_by_proc_but_not_by_exec) {
  const auto acts = Acts(Kind::process_rename, [] {
    if (pthread_setname_np(pthread_self(), "innocent") != 0) return 1;
    std::thread([] { std::ofstream("/proc/thread-self/comm") << "worker"; }).join();
    execl("/bin/true", "true", nullptr);
    return 2;
  });
  ASSERT_EQ(status_, 0);
  ASSERT_EQ(acts.size(), 2u);
  ExpectTask(acts[0].event.header, acts[0].event.task, pid_, Lane::CRITICAL);
  EXPECT_EQ(acts[0].event.target.pid, static_cast<uint32_t>(pid_));
  EXPECT_STREQ(acts[0].event.target.comm, "bpf_act_test");
  EXPECT_EQ(acts[0].text, "innocent");
  EXPECT_EQ(acts[1].event.target.pid, static_cast<uint32_t>(pid_));
  EXPECT_NE(acts[1].event.target.tid, static_cast<uint32_t>(pid_));
  EXPECT_EQ(acts[1].text, "worker");
}

TEST_F(ActBpfTest, process_cgroup) {
  const std::string inner = cgroup_->path() + "/inner";
  ASSERT_EQ(mkdir(inner.c_str(), 0755), 0);
  struct stat info;
  ASSERT_EQ(stat(inner.c_str(), &info), 0);
  const auto acts = Acts(Kind::process_cgroup, [&] {
    std::ofstream(inner + "/cgroup.procs") << getpid();
    return 0;
  });
  rmdir(inner.c_str());
  ASSERT_EQ(acts.size(), 2u);  // the first: into the test's own cgroup
  const vakt_process_act& move = acts[1].event;
  EXPECT_EQ(acts[0].event.target.cgroup_id, cgroup_->id());
  EXPECT_EQ(move.target.pid, static_cast<uint32_t>(pid_));
  EXPECT_EQ(move.target.cookie, move.task.cookie);
  EXPECT_EQ(move.target.cgroup_id, info.st_ino);
  EXPECT_EQ(move.args[0], 1u);
  EXPECT_EQ(acts[1].text, acts[0].text + "/inner");
  EXPECT_EQ(move.header.lane, VAKT_LANE_CRITICAL);
}

TEST_F(ActBpfTest, process_credentials) {
  StartSensor(KindBit(Kind::process_credentials));
  int status = 0;
  const pid_t pid = cgroup_->Run(
      [] {
        __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct data[2] = {};
        data[0].effective = data[0].permitted =
            1u << CAP_SETUID | 1u << CAP_KILL | 1u << CAP_SETGID;
        if (syscall(SYS_capset, &header, data) != 0) return 1;
        if (syscall(SYS_setresgid, 7, 8, -1) != 0) return 2;
        if (syscall(SYS_setfsuid, 9) != 0) return 3;
        if (syscall(SYS_setuid, 1234) != 0) return 4;
        return syscall(SYS_setuid, 0) != 0 ? 0 : 5;
      },
      &status);
  ASSERT_EQ(status, 0);
  const auto seen =
      Of<vakt_process_credentials>(DrainAll(*sensor_), Kind::process_credentials, pid);
  ASSERT_EQ(seen.size(), 5u);
  const vakt_process_credentials& caps = seen[0].first;
  ExpectTask(caps.header, caps.task, pid, Lane::CRITICAL);
  ExpectNamespaces(caps.task);
  const uint64_t kept = 1u << CAP_SETUID | 1u << CAP_KILL | 1u << CAP_SETGID;
  EXPECT_EQ(caps.syscall_nr, static_cast<uint32_t>(SYS_capset));
  EXPECT_EQ(caps.credentials.cap_effective, kept);
  EXPECT_EQ(caps.credentials.cap_permitted, kept);
  EXPECT_EQ(caps.credentials.cap_inheritable, 0u);
  EXPECT_EQ(caps.credentials.cap_ambient, 0u);
  EXPECT_NE(caps.credentials.cap_bounding, 0u);
  EXPECT_EQ(caps.result, 0);
  const vakt_process_credentials& groups = seen[1].first;
  EXPECT_EQ(groups.syscall_nr, static_cast<uint32_t>(SYS_setresgid));
  EXPECT_EQ(groups.args[0], 7u);
  EXPECT_EQ(groups.args[1], 8u);
  EXPECT_EQ(static_cast<int32_t>(groups.args[2]), -1);
  EXPECT_EQ(groups.credentials.gid, 7u);
  EXPECT_EQ(groups.credentials.egid, 8u);
  EXPECT_EQ(groups.credentials.sgid, getgid());
  EXPECT_EQ(groups.credentials.fsgid, 8u);
  const vakt_process_credentials& fs = seen[2].first;
  EXPECT_EQ(fs.result, 0);  // the one before
  EXPECT_EQ(fs.credentials.fsuid, 9u);
  EXPECT_EQ(fs.credentials.uid, 0u);
  const vakt_process_credentials& user = seen[3].first;
  EXPECT_EQ(user.args[0], 1234u);
  EXPECT_EQ(user.credentials.uid, 1234u);
  EXPECT_EQ(user.credentials.euid, 1234u);
  EXPECT_EQ(user.credentials.suid, 1234u);
  EXPECT_EQ(user.credentials.fsuid, 1234u);
  EXPECT_EQ(user.task.uid, 1234u);
  EXPECT_EQ(user.credentials.cap_effective, 0u);
  const vakt_process_credentials& refused = seen[4].first;
  EXPECT_EQ(refused.result, -EPERM);
  EXPECT_EQ(refused.args[0], 0u);
  EXPECT_EQ(refused.credentials.uid, 1234u);
}

}  // namespace
}  // namespace vakt
